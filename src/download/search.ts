/** Finds the bytes of a file elsewhere on this machine: whole, as a decompressed file or an archive, or the beginning of its archive. */
import { readdir } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import { elementsOf, factsOf, fsError, TaskReporter, throwIfAborted } from '../core/index.js';
import { statFile } from '../fs/index.js';
import { holds, type Inventory } from '../inventory/index.js';
import { allContents, type Content, contentsOf, type DatasetFile } from '../manifest/index.js';
import type { DigestName, Digests } from '../pass/index.js';
import { statPartials } from '../store/index.js';
import type { Settings } from './context.js';
import { describeFile, type LocalFile, type Place, passOverLocal, readHead, readPlace } from './places.js';
import { archiveOf, wanted } from './target.js';

/** Endings of an archive that another tool has not finished. */
const PARTIAL_ENDINGS = ['.gz', '.part', '.partial', '.crdownload', '.download', '.opdownload', '.tmp'];

/** Bounds of what is read where the manifest gives no size. */
const MAX_HDF5_OVERHEAD_BYTES = 64 * 1024 * 1024;
const MAX_TABLE_BYTES = 64 * 1024 * 1024;

/** Sentences per file about what was not taken. */
const MAX_SENTENCES = 5;

/** Where to look for files that are not in their place, and what was found out there. */
export interface Search {
  readonly settings: Settings;
  readonly inventory: Inventory;
  readonly places: readonly Place[];
  /** By local file; each is read once. */
  readonly digests: Map<LocalFile, Promise<Digests>>;
  /** Why a file that was opened was not taken. */
  readonly unreadable: Map<LocalFile, string>;
}

/** Places are looked at only where something is missing. */
export async function openSearch(
  settings: Settings,
  inventory: Inventory,
  isNeeded: boolean,
): Promise<Search> {
  const places: Place[] = [];
  if (isNeeded) for (const path of settings.from) places.push(await readPlace(path, settings.signal));
  return { settings, inventory, places, digests: new Map(), unreadable: new Map() };
}

/** A file and the content that it may hold. */
interface Candidate {
  readonly local: LocalFile;
  readonly content: Content;
}

/** The first file whose digests are right. */
export async function findWhole(search: Search, file: DatasetFile): Promise<Candidate | undefined> {
  for (const candidate of await findCandidates(search, file)) {
    const digests = await readDigests(search, candidate);
    if (digests && holds({ digests }, candidate.content)) return candidate;
  }
  return undefined;
}

/** Files that may hold what is wanted, or its archive, by their size and first bytes. Names only order them. */
async function findCandidates(search: Search, file: DatasetFile): Promise<Candidate[]> {
  const { settings, places } = search;
  const candidates: Candidate[] = [];
  // The archive is no help where the file is its own archive, or the archive itself is what is wanted.
  const archive = settings.extract ? archiveOf(file) : undefined;
  const contents = archive ? [wanted(file, true), archive] : [wanted(file, settings.extract)];
  if (archive) {
    for (const local of await findOwnArchives(settings, archive))
      for (const content of contents)
        if (await mayHold(search, local, content)) candidates.push({ local, content });
  }
  for (const content of contents) {
    const fitting: LocalFile[] = [];
    for (const local of places.flatMap(({ files }) => files))
      if (await mayHold(search, local, content)) fitting.push(local);
    const byName = fitting.sort((a, b) => rankOf(a, content) - rankOf(b, content));
    candidates.push(...byName.map((local) => ({ local, content })));
  }
  return candidates;
}

/** In the data set folder: under the archive's own name, or that of another file, where two were swapped. */
async function findOwnArchives(
  { paths, manifest, keepArchives }: Settings,
  archive: Content,
): Promise<LocalFile[]> {
  const found: LocalFile[] = [];
  const add = async (name: string) => {
    const path = paths.final(name);
    const stats = await statFile(path);
    if (stats) found.push({ path, name, bytes: Number(stats.size), own: true });
  };
  await add(archive.name);
  // Archives that are kept have to get their own names, which an import does not give them.
  if (keepArchives) return found;
  for (const { name } of allContents(manifest)) if (name !== archive.name) await add(name).catch(() => {});
  return found;
}

/** Only a file of the right size is worth the reading; where that is not known, of a plausible size and kind. */
async function mayHold(search: Search, local: LocalFile, content: Content): Promise<boolean> {
  if (content.bytes !== undefined) return local.bytes === content.bytes;
  const { array } = content.file;
  const { least, most } = plausibleSizes(content);
  // What a zip archive says of a member is not believed without a bound: it would be inflated to that size.
  if (local.name.toLowerCase() === content.name.toLowerCase()) return !local.member || local.bytes <= most;
  if (content.form === 'archive' || local.bytes < least || local.bytes > most) return false;
  if (local.member) return extname(local.name).toLowerCase() === extname(content.name);
  if (array) return isHdf5(await headOf(search, local));
  return extname(local.name).toLowerCase() === extname(content.name) && !isHtml(await headOf(search, local));
}

/** Sizes that a file can have whose size the manifest does not give. */
function plausibleSizes({ file: { array } }: Content): { least: number; most: number } {
  if (!array) return { least: 1, most: MAX_TABLE_BYTES };
  const elements = elementsOf(array.shape); // of one byte each
  return { least: elements, most: elements + MAX_HDF5_OVERHEAD_BYTES };
}

function rankOf({ name }: LocalFile, content: Content): number {
  if (name === content.name) return 0;
  return name.toLowerCase() === content.name.toLowerCase() ? 1 : isNamedLike(name, content.file) ? 2 : 3;
}

/** What browsers and other tools make of a name begins with it, whatever the case: `NAME (1).gz`, `NAMEa1b2c3.part`. */
function isNamedLike(name: string, file: DatasetFile): boolean {
  return name.toLowerCase().startsWith(file.name.toLowerCase().replace(/\.gz$/, ''));
}

/** @returns undefined when it cannot be read; the archive in the data set folder has to be readable */
async function readDigests(search: Search, { local, content }: Candidate): Promise<Digests | undefined> {
  const { inventory, settings, digests, unreadable } = search;
  const { path, name, member, own } = local;
  try {
    if (!member) return (await inventory.read({ ...content, name }, dirname(path)))?.digests;
    const known = digests.get(local) ?? digestMember(search, { local, content });
    digests.set(local, known);
    return await known;
  } catch (error) {
    throwIfAborted(settings.signal);
    if (own && name === content.file.name) throw error;
    unreadable.set(local, factsOf(error).message);
    return undefined;
  }
}

async function digestMember({ settings }: Search, { local, content }: Candidate): Promise<Digests> {
  const { emit, signal } = settings;
  const { name, bytes: total } = local;
  const digests: DigestName[] = content.sha256 === undefined ? ['md5'] : ['md5', 'sha256'];
  const task = new TaskReporter({ task: name, step: 'check', unit: 'bytes', done: 0, total }, emit);
  try {
    const onProgress = (done: number) => task.progress({ done });
    const { input } = await passOverLocal(local, { digests, signal, onProgress });
    return input.digests;
  } finally {
    task.end();
  }
}

/** The longest beginning of an archive that another tool left unfinished: gzip data under a name that begins like the archive's. */
export async function findBeginning(search: Search, file: DatasetFile): Promise<LocalFile | undefined> {
  const { settings, places } = search;
  if (file.bytes === undefined) return undefined;
  if ((await statPartials(settings.paths.partial, file)).begun) return undefined;
  const own = await ownUnfinished(settings, file);
  const files = [...own, ...places.flatMap(({ files }) => files)].sort((a, b) => b.bytes - a.bytes);
  for (const local of files) {
    if (local.member || !isUnfinishedName(local.name, file)) continue;
    if (local.bytes === 0 || local.bytes >= file.bytes) continue;
    // aria2 writes from many places at once; while its control file is there, the beginning proves nothing.
    if (await statFile(`${local.path}.aria2`).catch(() => undefined)) continue;
    const head = await headOf(search, local);
    if (file.extracted ? isGzip(head) : head.length > 0 && !isHtml(head)) return local;
  }
  return undefined;
}

async function ownUnfinished({ paths }: Settings, file: DatasetFile): Promise<LocalFile[]> {
  const found: LocalFile[] = [];
  for (const name of await readdir(paths.dir).catch(() => [])) {
    if (!isUnfinishedName(name, file)) continue;
    const path = paths.final(name);
    const stats = await statFile(path).catch(() => undefined);
    if (stats) found.push({ path, name, bytes: Number(stats.size), own: true });
  }
  return found;
}

/** The archive's name, and what other tools put at its end or into it: gdown and Firefox add random letters. */
function isUnfinishedName(name: string, file: DatasetFile): boolean {
  if (name.toLowerCase() === file.name.toLowerCase()) return true;
  return isNamedLike(name, file) && PARTIAL_ENDINGS.includes(extname(name).toLowerCase());
}

async function headOf({ unreadable }: Search, local: LocalFile): Promise<Buffer> {
  return await readHead(local.path).catch((error) => {
    unreadable.set(local, fsError(error, `reading ${local.path}`).message);
    return Buffer.alloc(0);
  });
}

function isGzip(head: Buffer): boolean {
  return head.subarray(0, 3).equals(Buffer.from([0x1f, 0x8b, 8]));
}

function isHdf5(head: Buffer): boolean {
  return head.subarray(0, 8).equals(Buffer.from('\x89HDF\r\n\x1a\n', 'latin1'));
}

/** A page that says that a quota is used up, or that asks to sign in. */
function isHtml(head: Buffer): boolean {
  return /^\W*<(!doctype|html|head|body|script|meta|title)/i.test(head.toString('latin1'));
}

/** Why files that look like one of the data set were not taken, one sentence each. */
export async function explain(
  search: Search,
  file: DatasetFile,
  taken: LocalFile | undefined,
): Promise<string[]> {
  const sentences: string[] = [];
  for (const local of search.places.flatMap(({ files }) => files)) {
    if (local === taken || sentences.length === MAX_SENTENCES) continue;
    const problem = search.unreadable.get(local);
    const sameSize = Object.values(contentsOf(file)).find(({ bytes }) => bytes === local.bytes);
    if (!sameSize && !isNamedLike(local.name, file)) continue;
    const head = local.member ? Buffer.alloc(0) : await headOf(search, local);
    const where = describeFile(local);
    if (problem !== undefined) sentences.push(problem);
    else if (sameSize) sentences.push(`${where} has the size of ${sameSize.name} and other bytes`);
    else if (isHtml(head)) sentences.push(`${where} is an HTML page, not ${file.name}`);
    else if (taken) sentences.push(`${where} is shorter than ${describeFile(taken)}`);
    else {
      const expected = file.bytes === undefined ? '' : `, and ${file.name} has ${file.bytes}`;
      sentences.push(
        `${where} has ${local.bytes} bytes${expected}: it holds neither the whole nor a beginning`,
      );
    }
  }
  return sentences;
}
