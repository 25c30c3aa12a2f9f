export { listLine, parseList } from './checksum-list.js';
export { csvField } from './csv.js';
export type { FileSink } from './file-sink.js';
export { HuffmanBuilder } from './huffman.js';
export { npyHeader } from './npy.js';
export { openParquet, type ParquetSchema } from './parquet.js';
export { encodePng, estimatePngBytes } from './png.js';
export { TarWriter, tarMemberBytes } from './tar.js';
export { RECORD_OVERHEAD, writeExample } from './tfrecord.js';
