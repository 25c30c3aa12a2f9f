import { describe, expect, it } from 'vitest';
import { crc32c } from '#pcam/export/encode/crc32c.js';
import { writeExample } from '#pcam/export/encode/tfrecord.js';

const bytes = (length: number, at: (i: number) => number) => Uint8Array.from({ length }, (_, i) => at(i));

describe('crc32c', () => {
  it.each([
    ['nothing', new Uint8Array(0), 0],
    ['the check value of the catalogues', Buffer.from('123456789'), 0xe3069283],
    ['32 zeros (RFC 3720)', bytes(32, () => 0), 0x8a9136aa],
    ['32 ones (RFC 3720)', bytes(32, () => 0xff), 0x62a8ab43],
    ['32 bytes going up (RFC 3720)', bytes(32, (i) => i), 0x46dd794e],
    ['32 bytes going down (RFC 3720)', bytes(32, (i) => 31 - i), 0x113fdb5c],
  ])('of %s', (_, data, expected) => {
    expect(crc32c(data)).toBe(expected);
  });

  it('is the same in pieces, wherever they are cut', () => {
    const data = bytes(100, (i) => (i * 37 + 11) & 0xff);
    for (let cut = 0; cut <= data.length; cut++)
      expect(crc32c(data.subarray(cut), crc32c(data.subarray(0, cut)))).toBe(crc32c(data));
  });
});

describe('writeExample', () => {
  const written = (features: Parameters<typeof writeExample>[1]) => {
    const chunks: Buffer[] = [];
    writeExample({ position: 0, write: (chunk) => void chunks.push(Buffer.from(chunk)) }, features);
    return Buffer.concat(chunks);
  };

  it('writes the bytes that TensorFlow writes', () => {
    // tf.train.Example of one int64 feature `a` = 1, in a TFRecord: the encoding worked out by hand from the protocol.
    const data = '0a0c0a0a0a016112051a030a0101';
    const record = written([['a', 1]]);
    expect(record.subarray(0, 8).readBigUInt64LE()).toBe(BigInt(data.length / 2));
    expect(record.subarray(12, -4).toString('hex')).toBe(data);
  });

  it('gives lengths over 127 as varints of several bytes', () => {
    const value = Buffer.alloc(300, 7);
    const record = written([['image', value]]);
    expect(record.subarray(8 + 4, 8 + 4 + 3).toString('hex')).toBe('0abf02');
    expect(record.subarray(-304, -4)).toEqual(value);
    expect(record.readBigUInt64LE()).toBe(BigInt(record.length - 16));
  });
});
