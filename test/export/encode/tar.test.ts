import { describe, expect, it } from 'vitest';
import { npyHeader } from '#pcam/export/encode/npy.js';
import { TarWriter, tarMemberBytes } from '#pcam/export/encode/tar.js';
import { csvField } from '#pcam/export/encode/text-files.js';

function sink() {
  const chunks: Buffer[] = [];
  return {
    get position() {
      return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    },
    write: (bytes: Uint8Array) => void chunks.push(Buffer.from(bytes)),
    all: () => Buffer.concat(chunks),
  };
}

describe('TarWriter', () => {
  it('writes USTAR members whose data is where it says', () => {
    const out = sink();
    const tar = new TarWriter(out);
    const data = [Buffer.from('1'), Buffer.alloc(512, 'x'), Buffer.alloc(0)];
    const starts = data.map((bytes, i) => tar.add(`a_00000${i}.cls`, bytes));
    tar.finish();
    const archive = out.all();
    expect(archive).toHaveLength(data.reduce((sum, { length }) => sum + tarMemberBytes(length), 1024));
    for (const [i, bytes] of data.entries()) {
      const start = starts[i]!;
      const header = archive.subarray(start - 512, start);
      expect(archive.subarray(start, start + bytes.length)).toEqual(bytes);
      expect(header.toString('latin1', 0, 12)).toBe(`a_00000${i}.cls`);
      expect(header.toString('latin1', 257, 265)).toBe('ustar\x0000');
      const sum = header.reduce((a, b, at) => a + (at >= 148 && at < 156 ? 0x20 : b), 0);
      expect(Number.parseInt(header.toString('latin1', 148, 154), 8)).toBe(sum);
    }
  });

  it('refuses a name that a header has no room for', () => {
    expect(() => new TarWriter(sink()).add('x'.repeat(101), Buffer.alloc(0))).toThrow(RangeError);
  });
});

describe('npyHeader', () => {
  it.each([
    [[5], '(5,)'],
    [[262144, 96, 96, 3], '(262144, 96, 96, 3)'],
  ])('describes the shape %j and ends at a multiple of 64', (shape, text) => {
    const header = Buffer.from(npyHeader(shape));
    expect(header.length % 64).toBe(0);
    expect(header.readUInt16LE(8)).toBe(header.length - 10);
    expect(header.toString('latin1', 10)).toMatch(/^\{.*\} *\n$/);
    expect(header.toString('latin1')).toContain(`'shape': ${text}, }`);
  });
});

describe('csvField', () => {
  it('writes booleans as Python does and quotes what needs it', () => {
    expect([true, false, 12, 'a b', 'a,b', 'a"b'].map(csvField)).toEqual([
      'True',
      'False',
      '12',
      'a b',
      '"a,b"',
      '"a""b"',
    ]);
  });
});
