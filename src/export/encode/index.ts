export type { FileSink } from './file-sink.js';
export { HuffmanBuilder } from './huffman.js';
export { npyHeader } from './npy.js';
export { openParquet, type ParquetSchema } from './parquet.js';
export { encodePng, estimatePngBytes } from './png.js';
export { TarWriter, tarMemberBytes } from './tar.js';
export { csvField, listLine, parseList } from './text-files.js';
export { RECORD_OVERHEAD, writeExample } from './tfrecord.js';
