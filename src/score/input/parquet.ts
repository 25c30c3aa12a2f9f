/**
 * Reads scores from Parquet: uncompressed, snappy, gzip or zstd. https://parquet.apache.org/docs/file-format/
 * What the file says of its sizes is compared with what can be true before memory is taken for it.
 */
import type { FileHandle } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import type { AsyncBuffer, ColumnChunk, Compressors, FileMetaData } from 'hyparquet';
import { PcamError, throwIfAborted } from '../../core/index.js';
import { MAX_ROWS, RowCollector, type ScoreColumn, type ScoreRows } from './rows.js';

/** Of the footer, and of one page and one column of a row group, uncompressed. */
const MAX_FOOTER = 16 * 2 ** 20;
const MAX_PAGE = 64 * 2 ** 20;
const MAX_CHUNK = 512 * 2 ** 20;

/** @throws PcamError BAD_DATA when it is no such file; USAGE when no column has scores */
export async function readParquet({
  file,
  handle,
  column,
  signal,
}: {
  file: string;
  handle: FileHandle;
  column?: ScoreColumn;
  signal?: AbortSignal;
}): Promise<ScoreRows> {
  // Loaded only where a file is Parquet.
  const { parquetMetadataAsync, parquetSchema, parquetRead } = await import('hyparquet');
  const buffer = asyncBuffer(handle, (await handle.stat()).size);
  const compressors = await codecs();
  try {
    await requireFooter(buffer);
    const metadata = await parquetMetadataAsync(buffer, { geoparquet: false });
    const fields = parquetSchema(metadata).children;
    const header = fields.map(({ element, children }) => (children.length > 0 ? '' : element.name));
    const collector = new RowCollector({ file, header, column });
    const places = collector.places;
    const columns = places.map((place) => header[place]!);
    if (metadata.num_rows > MAX_ROWS) throw new Error(`it has ${metadata.num_rows} rows`);
    await requirePlausible({ buffer, metadata, columns });
    let rowStart = 0;
    for (const { num_rows } of metadata.row_groups) {
      throwIfAborted(signal);
      const rowEnd = rowStart + Number(num_rows);
      const cells: unknown[] = new Array(header.length);
      await parquetRead({
        ...{ file: buffer, metadata, columns, rowStart, rowEnd, compressors },
        onComplete: (rows) => {
          for (const row of rows as unknown[][]) {
            for (const [i, place] of places.entries()) cells[place] = row[i];
            collector.add(cells);
          }
        },
      });
      rowStart = rowEnd;
    }
    return collector.rows();
  } catch (cause) {
    if (cause instanceof PcamError) throw cause;
    const found = cause instanceof Error ? cause.message : String(cause);
    throw new PcamError('BAD_DATA', `${file} cannot be read as Parquet: ${found}`, {
      cause,
      hint: 'write it again, with plain columns and snappy, gzip, zstd or no compression',
    });
  }
}

function asyncBuffer(handle: FileHandle, byteLength: number): AsyncBuffer {
  return {
    byteLength,
    async slice(start, end = byteLength) {
      if (!(start >= 0 && end >= start && end <= byteLength)) {
        throw new Error(`it points to bytes ${start} to ${end}, and has ${byteLength}`);
      }
      const bytes = new Uint8Array(end - start);
      for (let at = 0; at < bytes.length; ) {
        const { bytesRead } = await handle.read(bytes, at, bytes.length - at, start + at);
        if (bytesRead === 0) throw new Error('it is shorter than a moment ago');
        at += bytesRead;
      }
      return bytes.buffer;
    },
  };
}

/** The codecs that are not in hyparquet itself. Node.js has zstd from version 22.15 on only. */
async function codecs(): Promise<Compressors> {
  const { decompress } = await import('fzstd');
  return {
    GZIP: (bytes, size) => gunzipSync(bytes, { maxOutputLength: Math.max(1, size) }),
    ZSTD: (bytes, size) => decompress(bytes, new Uint8Array(size)),
  };
}

/** The metadata is at the end, its length in the last 8 bytes but 4. */
async function requireFooter({ byteLength, slice }: AsyncBuffer): Promise<void> {
  if (byteLength < 12) throw new Error('it is too short');
  const length = new DataView(await slice(byteLength - 8, byteLength - 4)).getUint32(0, true);
  if (length > MAX_FOOTER) throw new Error(`its metadata has ${length} bytes`);
}

/** Looks at the header of every page that is going to be read: a page of 20 bytes can claim to hold billions of values. */
async function requirePlausible({
  buffer,
  metadata,
  columns,
}: {
  buffer: AsyncBuffer;
  metadata: FileMetaData;
  columns: readonly string[];
}): Promise<void> {
  let rows = 0;
  for (const group of metadata.row_groups) {
    const inGroup = Number(group.num_rows);
    rows += inGroup;
    if (!(inGroup >= 0 && rows <= MAX_ROWS)) throw new Error(`a row group of ${inGroup} rows`);
    const chosen = group.columns.filter(({ meta_data }) =>
      columns.includes(meta_data?.path_in_schema[0] ?? ''),
    );
    if (chosen.length < columns.length) throw new Error('a row group lacks a column');
    for (const chunk of chosen) await requirePlausiblePages(buffer, chunk, inGroup);
  }
  if (BigInt(rows) !== metadata.num_rows)
    throw new Error(`it says ${metadata.num_rows} rows, and has ${rows}`);
}

async function requirePlausiblePages(
  buffer: AsyncBuffer,
  { meta_data: chunk }: ColumnChunk,
  rows: number,
): Promise<void> {
  const { parquetHeader } = await import('hyparquet/src/column.js');
  const { data_page_offset, dictionary_page_offset, total_compressed_size, total_uncompressed_size } = chunk!;
  const start = Number(dictionary_page_offset || data_page_offset);
  if (total_uncompressed_size > MAX_CHUNK) throw new Error(`a column of ${total_uncompressed_size} bytes`);
  const view = new DataView(await buffer.slice(start, start + Number(total_compressed_size)));
  const reader = { view, offset: 0 };
  while (reader.offset < view.byteLength) {
    const header = parquetHeader(reader);
    const { data_page_header, data_page_header_v2, dictionary_page_header } = header;
    const values = (data_page_header ?? data_page_header_v2 ?? dictionary_page_header)?.num_values ?? 0;
    const { compressed_page_size: compressed, uncompressed_page_size: size } = header;
    if (!(values >= 0 && values <= rows && size >= 0 && size <= MAX_PAGE && compressed >= 0)) {
      throw new Error(`a page of ${size} bytes with ${values} values, in a group of ${rows} rows`);
    }
    reader.offset += compressed;
  }
}
