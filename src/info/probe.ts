/** `info --probe`: asks each source for one small range, to say what a download would meet. */
import { setMaxListeners } from 'node:events';
import { PcamError, type ProxySettings, showUrl, throwIfAborted } from '../core/index.js';
import { type DatasetFile, type Manifest, type SourceConfig, unpackedOf } from '../manifest/index.js';
import { HttpClient, SourceFailure, type Timeouts } from '../net/index.js';
import { openSource, type Source } from '../sources/index.js';

/** Enough for a first look at the speed, little enough for any link. */
const MAX_SAMPLE_BYTES = 1024 * 1024;
const MAX_SAMPLE_MS = 5000;

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
  /** `decompressed`: it has the decompressed file in place of the archive. */
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
  gdriveCookies?: string;
  signal?: AbortSignal;
}

/**
 * One request per source (more where redirects or pages lead on), all at the same time, none of them repeated.
 * @throws PcamError ABORTED when `signal` was
 */
export async function probeSources(options: ProbeOptions): Promise<Probe[]> {
  const { manifest, zenodoToken, gdriveCookies, signal, ...network } = options;
  const client = new HttpClient(network);
  // One listener of the caller's signal, however many sources there are.
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const onAbort = () => stop.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();
  try {
    const context = { manifest, client, zenodoToken, gdriveCookies, signal: stop.signal };
    return await Promise.all(manifest.sources.map((config) => probeSource(config, context)));
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
  gdriveCookies: string | undefined;
  signal: AbortSignal;
}

async function probeSource(config: SourceConfig, context: ProbeContext): Promise<Probe> {
  const { manifest, signal, ...access } = context;
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
    if (config.type !== 'file') known.proxy = access.client.proxyFor(config.baseUrl) ?? null;
    const source = openSource(config, access);
    const [file] = manifest.files
      .filter((each) => source.has(each))
      .sort((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0));
    if (!file) return { ...known, status: 'missing', message: 'it has none of the files' };
    const archive = await probeFile(source, { file, known: { ...known, form: 'archive' }, signal });
    const unpacked = unpackedOf(file);
    if (archive.status !== 'missing' || !unpacked || !source.has(unpacked)) return archive;
    const other = { file: unpacked, known: { ...known, form: 'decompressed' as const }, signal };
    const decompressed = await probeFile(source, other);
    return decompressed.status === 'ok' ? decompressed : archive;
  } catch (error) {
    if (signal.aborted) throw error;
    if (!(error instanceof SourceFailure || error instanceof PcamError)) throw error;
    return { ...known, ...failureOf(error) };
  }
}

interface FileProbe {
  file: DatasetFile;
  /** What is known of the source. */
  known: Probe;
  signal: AbortSignal;
}

async function probeFile(source: Source, { file, known, signal }: FileProbe): Promise<Probe> {
  const end = Math.min(MAX_SAMPLE_BYTES, file.bytes ?? MAX_SAMPLE_BYTES);
  const started = performance.now();
  let probe: Probe = { ...known, file: file.name, expectedSize: file.bytes ?? null };
  try {
    const reply = await source.open(file, { start: 0, end }, signal);
    try {
      const latency = Math.round(performance.now() - started);
      const { total = null, ranged } = reply;
      probe = { ...probe, reachable: true, latency, size: total, ranges: ranged };
      if (total !== null && file.bytes !== undefined && total !== file.bytes) {
        const message = `its ${file.name} has ${total} bytes, expected ${file.bytes}`;
        return { ...probe, status: 'wrong-size', message };
      }
      return { ...probe, status: 'ok', bytesPerSecond: await measureSpeed(reply.body, end) };
    } finally {
      reply.discard();
    }
  } catch (error) {
    if (signal.aborted || !(error instanceof SourceFailure)) throw error;
    const failure = failureOf(error);
    return { ...probe, ...failure, reachable: probe.reachable || failure.reachable };
  }
}

/** Bytes per second, over `bytes` or a few seconds. */
async function measureSpeed(body: AsyncIterable<Uint8Array>, bytes: number): Promise<number> {
  const started = performance.now();
  let read = 0;
  for await (const chunk of body) {
    read += chunk.length;
    if (read >= bytes || performance.now() - started > MAX_SAMPLE_MS) break;
  }
  if (read === 0) throw new SourceFailure('passing', 'the reply is empty');
  return Math.round(read / Math.max(0.001, (performance.now() - started) / 1000));
}

type Failure = Pick<Probe, 'status' | 'reachable' | 'message' | 'hint'>;

function failureOf(error: SourceFailure | PcamError): Failure {
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
