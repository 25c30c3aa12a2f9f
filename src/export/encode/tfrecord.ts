/**
 * TFRecord files of `tf.train.Example` messages, as TensorFlow and TFDS read them.
 * https://www.tensorflow.org/tutorials/load_data/tfrecord and tensorflow/core/example/example.proto
 */
import { crc32c } from './crc32c.js';
import type { FileSink } from './file-sink.js';

/** Length, its checksum, and the checksum of the data. */
export const RECORD_OVERHEAD = 16;
const MASK = 0xa282ead8;
const ENCODER = new TextEncoder();

/** Field numbers of example.proto and feature.proto, as tags of a length-delimited field. */
const delimited = (field: number) => (field << 3) | 2;
const FEATURES = delimited(1);
const ENTRY = delimited(1);
const KEY = delimited(1);
const VALUE = delimited(2);
const BYTES_LIST = delimited(1);
const INT64_LIST = delimited(3);
const LIST_VALUE = delimited(1);

/** A feature's name and its one value; a number is written as a non-negative int64. */
export type Feature = readonly [name: string, value: Uint8Array | number];

/**
 * Writes one record: an Example with `features` in the order given.
 * https://protobuf.dev/programming-guides/encoding/
 */
export function writeExample(sink: FileSink, features: readonly Feature[]): void {
  const entries = features.map(encodeFeature);
  const bytes = entries.reduce((sum, parts) => sum + sizeOf(parts), 0);
  const data = [Uint8Array.of(FEATURES, ...varint(bytes)), ...entries.flat()];
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(sizeOf(data)), true);
  sink.write(length);
  sink.write(maskedChecksum(crc32c(length)));
  let crc = 0;
  for (const part of data) {
    crc = crc32c(part, crc);
    sink.write(part);
  }
  sink.write(maskedChecksum(crc));
}

/** One entry of the feature map, in pieces: a large value is not copied. */
function encodeFeature([name, value]: Feature): Uint8Array[] {
  const key = ENCODER.encode(name);
  const data = typeof value === 'number' ? Uint8Array.from(varint(value)) : value;
  // The one number of an int64 list is packed, as TensorFlow writes it.
  const inner = [LIST_VALUE, ...varint(data.length)];
  const list = inner.length + data.length;
  const outer = [typeof value === 'number' ? INT64_LIST : BYTES_LIST, ...varint(list), ...inner];
  const feature = outer.length + data.length;
  const head = [KEY, ...varint(key.length), ...key, VALUE, ...varint(feature), ...outer];
  return [Uint8Array.of(ENTRY, ...varint(head.length + data.length), ...head), data];
}

/** Seven bits a byte, the lowest first. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return [...bytes, rest];
}

/** A checksum of data that holds checksums is weak; TFRecord turns and shifts it first. */
function maskedChecksum(crc: number): Uint8Array {
  const masked = (((crc >>> 15) | (crc << 17)) + MASK) >>> 0;
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, masked, true);
  return bytes;
}

function sizeOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}
