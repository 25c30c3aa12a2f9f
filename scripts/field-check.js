/**
 * Asks the real hosts what pcam expects of them, and prints the text of an issue: `npm run field-check`.
 * Fetches the labels and 32 MB of valid's images from each host (about 70 MB in all), and keeps nothing.
 *
 * Usage: node scripts/field-check.js [--manifest FILE] [--mb N]        exit code 1 when something is not as expected
 */
import { createHash } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { constants, gunzipSync } from 'node:zlib';
import { readEnvironment } from '../dist/commands/environment.js';
import { formatBytes, formatInteger, messageOf, printable, showUrl, VERSION } from '../dist/core/index.js';
import { openArray } from '../dist/dataset/hdf5.js';
import { readStructure } from '../dist/dataset/hdf5-structure.js';
import { resolveManifest } from '../dist/manifest/index.js';
import { HttpClient, SourceFailure } from '../dist/net/index.js';
import { openSource } from '../dist/sources/index.js';

const RANGE_BYTES = 4 * 1024 * 1024;
/** As many as a download sends to one host. */
const CONCURRENCY = 4;
/** Longest time for one range (ms). */
const MAX_RANGE_TIME = 120_000;

/** Headers that say how a host behaves; all others, cookies and tokens among them, are not shown. */
const SHOWN_HEADERS =
  /^(content-(type|length|range|encoding|disposition)|accept-ranges|etag|last-modified|date|server|via|age|retry-after|x-ratelimit-.*|location)$/;

const { values } = parseArgs({
  options: { manifest: { type: 'string' }, mb: { type: 'string', default: '32' } },
});
try {
  process.exitCode = await main(values.manifest, Number(values.mb) * 1024 * 1024);
} catch (error) {
  process.stderr.write(`field-check: ${messageOf(error)}\n`);
  process.exitCode = 1;
}

async function main(manifestPath, sampleBytes) {
  const manifest = await resolveManifest(manifestPath);
  const { proxy, certificates } = readEnvironment(process.env, '');
  const ca = certificates && (await readFile(certificates, 'utf8'));
  const client = new HttpClient({ proxy, ca });
  const replies = recordReplies();
  try {
    const hosts = [];
    for (const config of manifest.sources) {
      process.stderr.write(`asking ${config.id} …\n`);
      hosts.push(await checkHost({ config, client, manifest, sampleBytes, replies }));
    }
    const rows = hosts.flatMap(({ rows }) => rows).concat(compareSamples(hosts));
    process.stdout.write(issueText({ hosts, rows, proxied: Boolean(proxy.http || proxy.https) }));
    return rows.every(({ ok }) => ok) ? 0 : 1;
  } finally {
    await client.close();
  }
}

/** One line of the comparison. @param expected undefined where nobody has published it */
function row(what, expected, found) {
  const ok = expected === undefined || expected === found;
  return {
    what,
    expected: expected ?? 'not published',
    found: ok && expected !== undefined ? 'the same' : found,
    ok,
  };
}

async function checkHost({ config, client, manifest, sampleBytes, replies }) {
  const source = openSource(config, { client });
  const host = {
    id: config.id,
    url: showUrl(config.baseUrl),
    rows: [],
    log: [],
    sample: undefined,
    speed: undefined,
  };
  const valid = ({ split, kind }) => split === 'valid' && kind === 'images';
  for (const file of manifest.files.filter((each) => source.has(each))) {
    const name = `${config.id}: ${file.name.replace(/^camelyonpatch_level_2_split_/, '')}`;
    const length = valid(file) ? sampleBytes : file.kind === 'labels' ? Number.POSITIVE_INFINITY : 1;
    replies.length = 0;
    try {
      const { bytes, total, ranged, latency, seconds } = await fetchRanges(source, file, length);
      const sizeOf = (size) => `${size} bytes${ranged ? '' : ', as a whole'}`;
      const expected = file.bytes === undefined ? undefined : `${file.bytes} bytes`;
      host.rows.push(row(`${name}, in ranges`, expected, sizeOf(total)));
      if (file.kind === 'labels') host.rows.push(...(await checkWhole(name, file, bytes)));
      if (valid(file)) {
        const speed = `${formatBytes(Math.round(bytes.length / seconds))}/s over ${formatBytes(bytes.length)}`;
        host.speed = `${speed}, the first reply after ${Math.round(latency)} ms`;
        host.sample = createHash('sha256').update(bytes).digest('hex');
        host.rows.push(...(await checkLayout(name, file, bytes)));
      }
    } catch (error) {
      if (!(error instanceof SourceFailure)) throw error;
      host.rows.push(row(name, 'the file', `${error.message}${error.hint ? ` (${error.hint})` : ''}`));
    }
    host.log.push({ name, replies: [...replies] });
  }
  return host;
}

/** The first bytes of a file, in ranges of which several are asked for at the same time. */
async function fetchRanges(source, file, length) {
  const began = performance.now();
  const first = await fetchRange(source, file, 0, Math.min(length, RANGE_BYTES));
  const end = Math.min(length, first.total ?? first.bytes.length);
  const starts = [];
  for (let start = first.bytes.length; first.ranged && start < end; start += RANGE_BYTES) starts.push(start);
  const parts = [first.bytes];
  const worker = async () => {
    for (let start = starts.shift(); start !== undefined; start = starts.shift()) {
      const part = await fetchRange(source, file, start, Math.min(start + RANGE_BYTES, end));
      parts[(start - first.bytes.length) / RANGE_BYTES + 1] = part.bytes;
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return { ...first, bytes: Buffer.concat(parts), seconds: (performance.now() - began) / 1000 };
}

async function fetchRange(source, file, start, end) {
  const signal = AbortSignal.timeout(MAX_RANGE_TIME);
  const began = performance.now();
  const reply = await source.open(file, { start, end }, signal);
  const latency = performance.now() - began;
  try {
    const chunks = [];
    let received = 0;
    for await (const chunk of reply.body) {
      chunks.push(Buffer.from(chunk));
      received += chunk.length;
      if (received >= end - start) break;
    }
    const { total, ranged } = reply;
    return { bytes: Buffer.concat(chunks).subarray(0, end - start), total, ranged, latency };
  } finally {
    reply.discard();
  }
}

/** Digests of a file that was fetched as a whole, and what is in it. */
async function checkWhole(name, file, bytes) {
  const algorithm = file.sha256 ? 'sha256' : 'md5';
  const digest = createHash(algorithm).update(bytes).digest('hex');
  return [row(`${name}, ${algorithm}`, file[algorithm], digest), ...(await checkLayout(name, file, bytes))];
}

/** How the array lies in the decompressed file, of which the beginning is there. */
async function checkLayout(name, file, bytes) {
  const { array, extracted } = file;
  if (!array) return [];
  const folder = await mkdtemp(join(tmpdir(), 'pcam-field-check-'));
  const path = join(folder, 'beginning.h5');
  try {
    const maxOutputLength = 8 * bytes.length + RANGE_BYTES;
    const plain = extracted
      ? gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength })
      : bytes;
    await writeFile(path, plain);
    // The rest is a hole: only the structure is read.
    await truncate(path, Math.max(extracted?.bytes ?? file.bytes ?? 0, plain.length));
    const { shape, text } = await describeArray(path, array.path);
    return [
      row(`${name}, shape of ${array.path}`, array.shape.join(' x '), shape.join(' x ')),
      row(`${name}, layout`, undefined, text),
    ];
  } catch (error) {
    return [
      row(`${name}, layout`, `an HDF5 file with the array ${array.path}`, printable(error.message, 200)),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function describeArray(path, arrayPath) {
  const { size } = await stat(path);
  const fd = openSync(path, 'r');
  try {
    const stored = readStructure(fd, size, arrayPath);
    if (stored) {
      const { shape, layout, filters, signed, size: bytes } = stored;
      const chunks =
        layout.type === 'chunked' ? ` of ${layout.chunk.join(' x ')}, index ${layout.index?.type}` : '';
      const at = layout.type === 'contiguous' ? ` at byte ${layout.offset}` : '';
      const type = `${signed ? 'int' : 'uint'}${8 * bytes}`;
      return {
        shape,
        text: `${layout.type}${at}${chunks}, ${type}, filters: ${filters.join(', ') || 'none'}`,
      };
    }
  } finally {
    closeSync(fd);
  }
  const array = await openArray(path, arrayPath);
  const { shape, type, chunks } = array.info;
  array.close();
  return {
    shape,
    text: `${chunks ? `chunked of ${chunks.join(' x ')}` : 'contiguous'}, ${type} (read by h5wasm)`,
  };
}

function compareSamples(hosts) {
  const sampled = hosts.filter(({ sample }) => sample !== undefined);
  return sampled
    .slice(1)
    .map(({ id, sample }) =>
      row(`${id} and ${sampled[0].id}, beginning of valid_x`, sampled[0].sample, sample),
    );
}

/** What hosts answer, as undici reports it: the status and the headers that are shown. */
function recordReplies() {
  const replies = [];
  subscribe('undici:request:headers', ({ request, response }) => {
    const url = new URL(request.path, request.origin);
    const parameters = [...url.searchParams.keys()].join('&');
    const headers = [];
    for (let i = 0; i < response.headers.length; i += 2) {
      const name = String(response.headers[i]).toLowerCase();
      const value = String(response.headers[i + 1]);
      if (SHOWN_HEADERS.test(name))
        headers.push([name, name === 'location' ? showUrl(value) : printable(value, 200)]);
    }
    const asked = `${request.method} ${showUrl(url)}${parameters && `?${parameters}`}`;
    replies.push({ asked, status: response.statusCode, headers });
  });
  return replies;
}

function issueText({ hosts, rows, proxied }) {
  const wrong = rows.filter(({ ok }) => !ok).length;
  return `# Field check of pcam ${VERSION}

${new Date().toISOString()}, Node.js ${process.version}, ${process.platform} ${process.arch}, ${proxied ? 'through a proxy' : 'no proxy'}.
${wrong === 0 ? 'All is as expected.' : `${wrong} of ${formatInteger(rows.length)} findings are not as expected.`}

| | what | expected | found |
|---|---|---|---|
${rows.map(rowText).join('\n')}
${hosts.map(hostText).join('')}
`;
}

function rowText({ ok, what, expected, found }) {
  const cells = [ok ? 'ok' : '**no**', what, expected, found];
  return `| ${cells.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`;
}

function hostText({ id, url, speed, log }) {
  const sections = log.map(({ name, replies }) => `${name}\n${replies.map(replyText).join('\n')}`);
  return `
## ${id} (${url})

Speed: ${speed ?? 'nothing was fetched'}

\`\`\`text
${sections.join('\n\n')}
\`\`\`
`;
}

function replyText({ asked, status, headers }) {
  return [`  ${asked} -> ${status}`, ...headers.map(([name, value]) => `    ${name}: ${value}`)].join('\n');
}
