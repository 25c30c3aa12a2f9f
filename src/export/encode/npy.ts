/** The header of a NumPy file, version 1.0 (numpy.lib.format). */

const ALIGNMENT = 64;

/** The header of a uint8 array in C order: the data follows at a multiple of 64 bytes, so that it can be mapped. */
export function npyHeader(shape: readonly number[]): Uint8Array {
  const dimensions = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '|u1', 'fortran_order': False, 'shape': (${dimensions}), }`;
  const before = 10;
  const total = Math.ceil((before + text.length + 1) / ALIGNMENT) * ALIGNMENT;
  const header = Buffer.alloc(total, ' ');
  header.write('\x93NUMPY\x01\x00', 'latin1');
  header.writeUInt16LE(total - before, 8);
  header.write(text, before, 'latin1');
  header.write('\n', total - 1, 'latin1');
  return header;
}
