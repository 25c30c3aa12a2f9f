/**
 * A disk in memory with what the commit protocol uses of node:fs/promises; anything else throws. It tells what each
 * step looks at and changes, and can be copied and compared.
 */
import { constants } from 'node:fs';
import { act, tell } from './process.js';

const EMPTY = Buffer.alloc(0);

const { O_RDONLY, O_RDWR, O_WRONLY, O_CREAT, O_EXCL, O_TRUNC } = constants;
const FLAGS: Record<string, number> = {
  r: O_RDONLY,
  'r+': O_RDWR,
  w: O_WRONLY | O_CREAT | O_TRUNC,
  wx: O_WRONLY | O_CREAT | O_EXCL,
};

interface Inode {
  readonly ino: bigint;
  readonly kind: 'file' | 'folder';
  /** As steps tell them: numbers as text are made once, as this is where a model spends its time. */
  readonly keys: { file: string; list: string; name: string };
  data: Buffer;
  readonly entries: Map<string, Inode>;
  mtime: bigint;
  ctime: bigint;
}

interface StatOptions {
  bigint?: boolean;
}

interface Parent {
  folder: Inode;
  name: string;
}

export class MemoryDisk {
  #inodes = 0n;
  /** Nanoseconds; each change of a file is later than the one before. */
  #now = 10n ** 18n;
  #root = this.#inode('folder');
  /** Called after each change. */
  onChange: () => void = () => {};
  /** Changes so far. */
  changes = 0;

  /** Lets time pass, so that the heartbeats of all who are stopped are old. */
  pass(ms: number): void {
    this.#now += BigInt(ms) * 1_000_000n;
  }

  /** The file under a path; undefined when there is none. Tells nobody. */
  read(path: string): Inode | undefined {
    let at: Inode | undefined = this.#root;
    for (const step of stepsOf(path)) at = at?.entries.get(step);
    return at;
  }

  /** The same files under the same names, with nothing open. */
  copy(): MemoryDisk {
    const copies = new Map<Inode, Inode>();
    const copyOf = (inode: Inode): Inode => {
      const known = copies.get(inode);
      if (known) return known;
      const copy = { ...inode, entries: new Map<string, Inode>() };
      copies.set(inode, copy);
      for (const [name, entry] of inode.entries) copy.entries.set(name, copyOf(entry));
      return copy;
    };
    const disk = new MemoryDisk();
    disk.#root = copyOf(this.#root);
    [disk.#inodes, disk.#now] = [this.#inodes, this.#now];
    return disk;
  }

  /**
   * What is on the disk, as text that is equal for disks that no run can tell apart once an hour has passed: inodes
   * are numbered as they are met, and of times only those matter that a receipt holds.
   */
  describe(): string {
    const numbers = new Map<string, number>();
    const lines: string[] = [];
    const walk = (path: string, { ino, kind, data, entries }: Inode) => {
      const number = numbers.get(String(ino)) ?? numbers.size;
      numbers.set(String(ino), number);
      lines.push(path, String(number), kind === 'file' ? data.toString('latin1') : '/');
      for (const [name, entry] of entries) walk(`${path}/${name}`, entry);
    };
    walk('', this.#root);
    // Receipts name inodes, and times that hold for them or not.
    const times = new Set(this.#all().map(({ ino, mtime, ctime }) => `${ino} ${mtime} ${ctime}`));
    const receipt = /"mtime": "(\d+)",\s*"ctime": "(\d+)",\s*"inode": "(\d+)"/g;
    return lines.join('\n').replace(receipt, (_, mtime, ctime, ino) => {
      const holds = [...times].find((time) => time.startsWith(`${ino} ${mtime} `));
      return `${numbers.get(ino)} ${holds !== undefined} ${holds?.endsWith(` ${ctime}`)}`;
    });
  }

  #all(at = this.#root): Inode[] {
    return [at, ...[...at.entries.values()].flatMap((entry) => this.#all(entry))];
  }

  #inode(kind: Inode['kind']): Inode {
    const [ino, now] = [++this.#inodes, ++this.#now];
    const keys = { file: `file ${ino}`, list: `list ${ino}`, name: `name ${ino} ` };
    return { ino, kind, keys, data: EMPTY, entries: new Map(), mtime: now, ctime: now };
  }

  #changed(...inodes: Inode[]): void {
    for (const inode of inodes) {
      inode.ctime = ++this.#now;
      tell(inode.keys.file, true);
    }
    this.changes++;
    this.onChange();
  }

  #find(path: string): Inode {
    let at = this.#root;
    for (const step of stepsOf(path)) at = this.#entry({ folder: at, name: step }, path);
    return at;
  }

  #entry({ folder, name }: Parent, path: string): Inode {
    const inode = this.#look({ folder, name }, path);
    if (!inode) throw failure('ENOENT', path);
    return inode;
  }

  #look({ folder, name }: Parent, path: string): Inode | undefined {
    if (folder.kind !== 'folder') throw failure('ENOTDIR', path);
    tell(folder.keys.name + name, false);
    return folder.entries.get(name);
  }

  #set({ folder, name }: Parent, inode: Inode | undefined): void {
    if (inode) folder.entries.set(name, inode);
    else folder.entries.delete(name);
    tell(folder.keys.name + name, true);
    tell(folder.keys.list, true);
  }

  #parent(path: string): Parent {
    const end = path.lastIndexOf('/');
    return { folder: this.#find(path.slice(0, end)), name: path.slice(end + 1) };
  }

  open(path: string, how: string | number = 'r'): object {
    const flags = typeof how === 'number' ? how : FLAGS[how]!;
    const place = this.#parent(path);
    let inode = this.#look(place, path);
    if (inode && flags & O_EXCL) throw failure('EEXIST', path);
    if (!inode) {
      if (!(flags & O_CREAT)) throw failure('ENOENT', path);
      inode = this.#inode('file');
      this.#set(place, inode);
      this.#changed();
    }
    if (flags & O_TRUNC) inode.data = EMPTY;
    return this.#handle(inode);
  }

  #handle(inode: Inode): Handle {
    return new Handle(inode, (bytes, at) => {
      const data = Buffer.alloc(Math.max(inode.data.length, at + bytes.length));
      inode.data.copy(data);
      bytes.copy(data, at);
      inode.data = data;
      inode.mtime = ++this.#now;
      this.#changed(inode);
    });
  }

  lstat(path: string, options?: StatOptions): object {
    return statsOf(this.#find(path), options);
  }

  link(from: string, to: string): void {
    const inode = this.#find(from);
    const place = this.#parent(to);
    if (this.#look(place, to)) throw failure('EEXIST', to);
    this.#set(place, inode);
    this.#changed(inode);
  }

  rename(from: string, to: string): void {
    const source = this.#parent(from);
    const target = this.#parent(to);
    const inode = this.#entry(source, from);
    if (this.#look(target, to) === inode) return; // two names of one file: rename(2) does nothing
    this.#set(source, undefined);
    this.#set(target, inode);
    this.#changed(inode);
  }

  rm(path: string, { recursive = false, force = false } = {}): void {
    let place: Parent;
    let inode: Inode;
    try {
      place = this.#parent(path);
      inode = this.#entry(place, path);
    } catch (error) {
      if (force) return;
      throw error;
    }
    if (inode.kind === 'folder' && !recursive) throw failure('EISDIR', path);
    this.#set(place, undefined);
    this.#changed(inode);
  }

  rmdir(path: string): void {
    const place = this.#parent(path);
    const inode = this.#entry(place, path);
    if (inode.entries.size > 0) throw failure('ENOTEMPTY', path);
    this.#set(place, undefined);
    this.#changed(inode);
  }

  mkdir(path: string): void {
    const place = this.#parent(path);
    if (this.#look(place, path)) throw failure('EEXIST', path);
    this.#set(place, this.#inode('folder'));
    this.#changed();
  }

  readdir(path: string, options?: { withFileTypes?: boolean }): unknown[] {
    const { keys, entries } = this.#find(path);
    tell(keys.list, false);
    if (!options?.withFileTypes) return [...entries.keys()];
    return [...entries].map(([name, { kind }]) => ({ name, isDirectory: () => kind === 'folder' }));
  }
}

/** An open file. */
class Handle {
  readonly #inode: Inode;
  readonly #put: (bytes: Buffer, at: number) => void;

  constructor(inode: Inode, put: (bytes: Buffer, at: number) => void) {
    this.#inode = inode;
    this.#put = put;
  }

  stat(options?: StatOptions): Promise<object> {
    return act(() => statsOf(this.#inode, options));
  }

  read(buffer: Buffer, offset: number, length: number, position: number): Promise<{ bytesRead: number }> {
    return act(() => {
      const there = this.#look().subarray(position, position + length);
      return { bytesRead: there.copy(buffer, offset) };
    });
  }

  readFile(encoding?: BufferEncoding): Promise<string | Buffer> {
    return act(() => (encoding ? this.#look().toString(encoding) : Buffer.from(this.#look())));
  }

  write(
    bytes: Buffer | string,
    a = 0,
    length?: number,
    position?: number,
  ): Promise<{ bytesWritten: number }> {
    return act(() => {
      if (typeof bytes === 'string') this.#put(Buffer.from(bytes), a);
      else this.#put(bytes.subarray(a, a + (length ?? bytes.length)), position ?? this.#inode.data.length);
      return { bytesWritten: length ?? bytes.length };
    });
  }

  writeFile(text: string | Buffer): Promise<void> {
    return act(() => this.#put(Buffer.from(text as string), 0));
  }

  appendFile(text: string): Promise<void> {
    return act(() => this.#put(Buffer.from(text), this.#inode.data.length));
  }

  truncate(): Promise<void> {
    return act(() => {
      this.#inode.data = EMPTY;
      this.#put(EMPTY, 0);
    });
  }

  // What changes nothing that another run could see is no step.
  async sync(): Promise<void> {}
  async datasync(): Promise<void> {}
  async close(): Promise<void> {}

  #look(): Buffer {
    tell(this.#inode.keys.file, false);
    return this.#inode.data;
  }
}

class Stats {
  readonly mtimeMs: number;

  constructor(
    readonly dev: number | bigint,
    readonly ino: number | bigint,
    readonly size: number | bigint,
    readonly mtimeNs: bigint,
    readonly ctimeNs: bigint,
    readonly kind: Inode['kind'],
  ) {
    this.mtimeMs = Number(mtimeNs / 1_000_000n);
  }

  isFile(): boolean {
    return this.kind === 'file';
  }

  isDirectory(): boolean {
    return this.kind === 'folder';
  }

  isSymbolicLink(): boolean {
    return false;
  }
}

function statsOf(
  { kind, data, keys, ino, mtime, ctime }: Inode,
  { bigint = false }: StatOptions = {},
): Stats {
  if (kind === 'file') tell(keys.file, false);
  if (bigint) return new Stats(1n, ino, BigInt(data.length), mtime, ctime, kind);
  return new Stats(1, Number(ino), data.length, mtime, ctime, kind);
}

const STEPS = new Map<string, readonly string[]>();

function stepsOf(path: string): readonly string[] {
  let steps = STEPS.get(path);
  if (!steps) {
    steps = path.split('/').filter(Boolean).slice(1);
    STEPS.set(path, steps);
  }
  return steps;
}

export function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
