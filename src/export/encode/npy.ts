/** The header of a NumPy file, version 1.0 (numpy.lib.format). */

const ALIGNMENT = 64;

/**
 * The header of an array in C order: the data follows at a multiple of 64 bytes, so that it can be mapped.
 * @param type `|u1` is uint8, `<i8` little-endian int64
 */
export function npyHeader(shape: readonly number[], type: '|u1' | '<i8' = '|u1'): Uint8Array {
  const dimensions = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${dimensions}), }`;
  const before = 10;
  const total = Math.ceil((before + text.length + 1) / ALIGNMENT) * ALIGNMENT;
  const header = Buffer.alloc(total, ' ');
  header.write('\x93NUMPY\x01\x00', 'latin1');
  header.writeUInt16LE(total - before, 8);
  header.write(text, before, 'latin1');
  header.write('\n', total - 1, 'latin1');
  return header;
}
