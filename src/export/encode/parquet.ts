/** Writes Parquet piece by piece: https://parquet.apache.org/docs/file-format/ */
import type { ParquetWriter } from 'hyparquet-writer';
import type { FileSink } from './file-sink.js';

export type ParquetSchema = ConstructorParameters<typeof ParquetWriter>[0]['schema'];

/**
 * Opens a Parquet file over a sink; each row group is passed on as it is written. The library is loaded only for those
 * who want it: every worker of every format would wait for it.
 */
export async function openParquet({
  sink,
  schema,
  metadata = [],
}: {
  sink: Pick<FileSink, 'write'>;
  schema: ParquetSchema;
  metadata?: { key: string; value: string }[];
}): Promise<ParquetWriter> {
  const { ByteWriter, ParquetWriter } = await import('hyparquet-writer');
  /** The library's writer over a file: what a page or a header appended is passed on before the next one. */
  class SinkWriter extends ByteWriter {
    constructor() {
      super(64 * 1024);
    }

    override ensure(size: number): void {
      if (this.index + size > this.buffer.byteLength) this.flush();
      super.ensure(size);
    }

    flush(): void {
      sink.write(new Uint8Array(this.buffer, 0, this.index));
      this.index = 0;
    }

    override finish(): void {
      this.flush();
    }
  }
  return new ParquetWriter({ writer: new SinkWriter(), schema, kvMetadata: metadata, createdBy: 'pcam' });
}
