/** `info --probe`: asks each source for one small range, to say what a download would meet. */
import { setMaxListeners } from 'node:events';
import { PcamError, type ProxySettings, showUrl, throwIfAborted } from '../core/index.js';
import { type DatasetFile, type Manifest, type SourceConfig, unpackedOf } from '../manifest/index.js';
import {
  createHttpClient,
  type HttpClient,
  type RangeReply,
  SourceFailure,
  type Timeouts,
} from '../net/index.js';
import { openSource, type Source } from '../sources/index.js';

/** Enough for a first look at the speed, little enough for any link. */
const MOST_BYTES = 1024 * 1024;
/** ms after which a body has been looked at for long enough. */
const LONG_ENOUGH = 5000;

/**
 * - `ok`: it sends the bytes of the range, and the size is that of the manifest
 * - `quota`: the host has sent the file as often as it does in a day; it may do so again within 24 hours
 * - `busy`: it asks to wait (429, 503)
 * - `refused`: it answers, and does not give the file (403, a login, a page)
 * - `missing`: it has no such file
 * - `wrong-size`: its copy has another size than the manifest says
 * - `failed`: it answers with an error, or sends something else than the range
 * - `unreachable`: no connection, no answer, no trust in its certificate, or a proxy that does not let it through
 */
export type ProbeStatus =
  | 'ok'
  | 'quota'
  | 'busy'
  | 'refused'
  | 'missing'
  | 'wrong-size'
  | 'failed'
  | 'unreachable';

export interface Probe {
  source: string;
  /** Where it is, without credentials. */
  url: string;
  /** `host:port` of the proxy that it is asked through. */
  proxy: string | null;
  status: ProbeStatus;
  /** The host has answered. */
  reachable: boolean;
  /** The file that was asked for: the largest that the source has, as its quota is the first to be used up. */
  file: string | null;
  /** `decompressed`: it has what comes out of the archive, in the archive's place. */
  form: 'archive' | 'decompressed' | null;
  /** Size of the file as the source says, and as the manifest does. */
  size: number | null;
  expectedSize: number | null;
  /** It sends ranges: more than one connection, and resuming, are possible. */
  ranges: boolean | null;
  /** Until the reply began (ms), name lookup, proxy, TLS and redirects included. */
  latency: number | null;
  /** Of one connection, over a first megabyte or less. */
  bytesPerSecond: number | null;
  /** What went wrong, and what can be done. */
  message: string | null;
  hint: string | null;
}

export interface ProbeOptions {
  manifest: Manifest;
  proxy?: ProxySettings;
  timeouts?: Partial<Timeouts>;
  ca?: string;
  zenodoToken?: string;
  signal?: AbortSignal;
}

/**
 * One request per source (more where redirects or pages lead on), all at the same time, none of them repeated.
 * @throws PcamError ABORTED when `signal` was
 */
export async function probeSources({
  manifest,
  zenodoToken,
  signal,
  ...network
}: ProbeOptions): Promise<Probe[]> {
  const client = createHttpClient(network);
  // One listener of the caller's signal, however many sources there are.
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const onAbort = () => stop.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();
  try {
    return await Promise.all(
      manifest.sources.map((config) => probe(config, { manifest, client, zenodoToken, signal: stop.signal })),
    );
  } catch (error) {
    throwIfAborted(signal);
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await client.close();
  }
}

interface ProbeContext {
  manifest: Manifest;
  client: HttpClient;
  zenodoToken: string | undefined;
  signal: AbortSignal;
}

async function probe(config: SourceConfig, context: ProbeContext): Promise<Probe> {
  const { client, zenodoToken, manifest, signal } = context;
  const known: Probe = {
    source: config.id,
    url: config.type === 'file' ? config.baseUrl : showUrl(config.baseUrl),
    proxy: null,
    status: 'unreachable',
    reachable: false,
    file: null,
    form: null,
    size: null,
    expectedSize: null,
    ranges: null,
    latency: null,
    bytesPerSecond: null,
    message: null,
    hint: null,
  };
  try {
    if (config.type !== 'file') known.proxy = client.proxyFor(config.baseUrl) ?? null;
    const source = openSource(config, { client, zenodoToken });
    const file = largest(manifest.files.filter((each) => source.has(each)));
    if (!file) return { ...known, status: 'missing', message: 'it has none of the files' };
    return await look({ source, file, known, signal });
  } catch (error) {
    if (signal.aborted) throw error;
    if (!(error instanceof SourceFailure || error instanceof PcamError)) throw error;
    return { ...known, ...judge(error) };
  }
}

interface Look {
  source: Source;
  file: DatasetFile;
  known: Probe;
  signal: AbortSignal;
}

/** The archive, or where there is none, what comes out of it. */
async function look({ source, file, known, signal }: Look): Promise<Probe> {
  const unpacked = unpackedOf(file);
  const first = await attempt(source, { file, known: { ...known, form: 'archive' }, signal });
  if (first.status !== 'missing' || !unpacked || !source.has(unpacked)) return first;
  const second = await attempt(source, { file: unpacked, known: { ...known, form: 'decompressed' }, signal });
  return second.status === 'ok' ? second : first;
}

async function attempt(source: Source, { file, known, signal }: Omit<Look, 'source'>): Promise<Probe> {
  const asked = { ...known, file: file.name, expectedSize: file.bytes ?? null };
  const range = { start: 0, end: Math.min(MOST_BYTES, file.bytes ?? MOST_BYTES) };
  const began = performance.now();
  let reply: RangeReply | undefined;
  let seen: Probe = asked;
  try {
    reply = await source.open(file, range, signal);
    const latency = Math.round(performance.now() - began);
    const { total = null, ranged } = reply;
    seen = { ...asked, reachable: true, latency, size: total, ranges: ranged };
    if (total !== null && file.bytes !== undefined && total !== file.bytes) {
      const message = `its ${file.name} has ${total} bytes, expected ${file.bytes}`;
      return { ...seen, status: 'wrong-size', message };
    }
    return { ...seen, status: 'ok', bytesPerSecond: await speedOf(reply, range.end) };
  } catch (error) {
    if (signal.aborted) throw error;
    if (!(error instanceof SourceFailure)) throw error;
    const judged = judge(error);
    return { ...seen, ...judged, reachable: seen.reachable || judged.reachable };
  } finally {
    reply?.discard();
  }
}

/** Bytes per second, by its first megabyte or five seconds. */
async function speedOf({ body }: RangeReply, most: number): Promise<number | null> {
  const began = performance.now();
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes >= most || performance.now() - began > LONG_ENOUGH) break;
  }
  if (bytes === 0) throw new SourceFailure('passing', 'the reply held nothing of what was asked for');
  return Math.round(bytes / Math.max(0.001, (performance.now() - began) / 1000));
}

function judge(error: SourceFailure | PcamError): Pick<Probe, 'status' | 'reachable' | 'message' | 'hint'> {
  const said = { message: error.message, hint: error.hint ?? null };
  if (error instanceof PcamError) return { status: 'unreachable', reachable: false, ...said };
  const { status, kind, missing, proxy } = error;
  const reachable = proxy === undefined && (status !== undefined || kind === 'refused' || missing);
  return { status: statusOf(error), reachable, ...said };
}

function statusOf({ kind, quota, missing, proxy, status, wholeHost }: SourceFailure): ProbeStatus {
  if (proxy !== undefined) return 'unreachable';
  if (quota) return 'quota';
  if (kind === 'busy') return 'busy';
  if (missing) return 'missing';
  if (kind === 'refused' || status === 401) return 'refused';
  return wholeHost && status === undefined ? 'unreachable' : 'failed';
}

function largest(files: readonly DatasetFile[]): DatasetFile | undefined {
  return [...files].sort((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0))[0];
}
