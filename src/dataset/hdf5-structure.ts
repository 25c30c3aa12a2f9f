/**
 * Where an array lies in an HDF5 file, read from the file itself (HDF5 File Format Specification 3.0). Patches that lie
 * uncompressed can then be read without the HDF5 library. A file is untrusted: whatever is unusual, damaged or larger
 * than it can be has no known place, and the library says what is wrong with it.
 */
import { elementsOf } from '../core/index.js';
import { assume, Fields, FileBytes, leavesOf, MAX_BLOCK_BYTES, UNDEFINED, Unusual } from './hdf5-blocks.js';

/** An array as the messages of its object header describe it. */
export interface StoredArray {
  readonly shape: readonly number[];
  /** Bytes per element of an integer type. */
  readonly size: number;
  readonly signed: boolean;
  readonly littleEndian: boolean;
  readonly layout: StoredLayout;
  /** Identifiers of the filters that chunks pass through: 1 deflate, 2 shuffle, 3 fletcher32. */
  readonly filters: readonly number[];
}

export type StoredLayout =
  | { readonly type: 'compact' }
  | { readonly type: 'contiguous'; readonly offset: number }
  | { readonly type: 'chunked'; readonly chunk: readonly number[]; readonly index: ChunkIndex | undefined };

export type ChunkIndex = {
  readonly type: 'single' | 'implicit' | 'fixed array' | 'B-tree';
  readonly address: number;
};

const SIGNATURE = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1');
/** Blocks of one object header, and nodes of one group. */
const MAX_BLOCKS = 64;
const MAX_RANK = 32;

/** The messages of an object header that pcam reads. */
const MESSAGE = {
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  link: 0x06,
  externalFiles: 0x07,
  layout: 0x08,
  filters: 0x0b,
  continuation: 0x10,
  symbolTable: 0x11,
} as const;

/**
 * Finds the array at `path`, such as `x`, through hard links alone.
 * @returns undefined for what pcam cannot read by itself
 * @throws what the system says when it cannot read the file
 */
export function readStructure(fd: number, bytes: number, path: string): StoredArray | undefined {
  try {
    const file = new FileBytes(fd, bytes);
    let address = rootAddress(file);
    for (const name of path.split('/').filter((part) => part !== '')) {
      address = linkedAddress(file, readMessages(file, address), name);
    }
    return describeArray(file, readMessages(file, address));
  } catch (error) {
    // Damaged sizes lead out of the bytes that were read.
    if (error instanceof Unusual || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The address of the root group's object header (II.A). */
function rootAddress(file: FileBytes): number {
  const fields = file.read(0, 96);
  assume(fields.take(SIGNATURE.length).equals(SIGNATURE));
  const version = fields.number(1);
  assume(version <= 3);
  if (version < 2) fields.skip(4);
  assume(fields.number(1) === 8 && fields.number(1) === 8); // sizes of addresses and lengths
  if (version < 2) fields.skip(version === 0 ? 9 : 13);
  else fields.skip(1);
  assume(fields.long() === 0); // the base address
  // Free space, end of file and driver; or the extension and the end of file.
  fields.skip(version < 2 ? 3 * 8 + 8 : 2 * 8);
  return fields.long();
}

interface Message {
  readonly type: number;
  readonly fields: Fields;
}

/** The messages of an object header of version 1 or 2 (IV.A.1) that pcam knows. */
function readMessages(file: FileBytes, address: number): Message[] {
  const start = file.read(address, 16);
  const isNew = start.bytes.subarray(0, 4).toString('latin1') === 'OHDR';
  const { blocks, parse } = isNew ? newHeader(file, address) : oldHeader(address, start);
  const messages: Message[] = [];
  for (let block = blocks.shift(), n = 0; block; block = blocks.shift(), n++) {
    assume(n < MAX_BLOCKS);
    for (const message of parse(file.read(block.address, block.length), n)) {
      if (message.type !== MESSAGE.continuation) messages.push(message);
      else blocks.push({ address: message.fields.long(), length: message.fields.long() });
    }
  }
  return messages;
}

interface Header {
  blocks: { address: number; length: number }[];
  parse(fields: Fields, block: number): Iterable<Message>;
}

function oldHeader(address: number, start: Fields): Header {
  assume(start.number(1) === 1);
  const length = start.skip(7).number(4);
  return {
    blocks: [{ address: address + 16, length }],
    *parse(fields) {
      while (fields.left >= 8) {
        const [type, size, flags] = [fields.number(2), fields.number(2), fields.number(1)];
        yield* messageOf(type, flags, fields.skip(3).take(size));
      }
    },
  };
}

function newHeader(file: FileBytes, address: number): Header {
  const start = file.read(address, 6).signature('OHDR');
  assume(start.number(1) === 2);
  const flags = start.number(1);
  const sizeAt = 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
  const sizeBytes = 1 << (flags & 3);
  const size = file.read(address + sizeAt, sizeBytes);
  const length = sizeBytes === 8 ? size.long() : size.number(sizeBytes as 1 | 2 | 4);
  const orderBytes = flags & 0x04 ? 2 : 0;
  return {
    blocks: [{ address: address + sizeAt + sizeBytes, length }],
    *parse(fields, block) {
      // Later blocks have a signature and a checksum.
      if (block > 0) fields = new Fields(fields.signature('OCHK').take(fields.left - 4));
      while (fields.left >= 4 + orderBytes) {
        const [type, size, flags] = [fields.number(1), fields.number(2), fields.number(1)];
        yield* messageOf(type, flags, fields.skip(orderBytes).take(size));
      }
    },
  };
}

const KNOWN_MESSAGES = new Set<number>(Object.values(MESSAGE));

function* messageOf(type: number, flags: number, bytes: Buffer): Iterable<Message> {
  if (!KNOWN_MESSAGES.has(type)) return;
  assume((flags & 0x02) === 0); // shared: the content is elsewhere
  yield { type, fields: new Fields(bytes) };
}

/** The object that a group has a hard link to. */
function linkedAddress(file: FileBytes, messages: readonly Message[], name: string): number {
  for (const { type, fields } of messages) {
    const address =
      type === MESSAGE.symbolTable
        ? addressInTable(file, { tree: fields.long(), heap: fields.long(), name })
        : type === MESSAGE.link
          ? addressInLink(fields, name)
          : undefined;
    if (address !== undefined) return address;
  }
  throw new Unusual();
}

/** A link message (IV.A.2.g) with this name and a hard link. */
function addressInLink(fields: Fields, name: string): number | undefined {
  assume(fields.number(1) === 1);
  const flags = fields.number(1);
  const isHard = (flags & 0x08) === 0 || fields.number(1) === 0;
  fields.skip((flags & 0x04 ? 8 : 0) + (flags & 0x10 ? 1 : 0));
  const sizeBytes = 1 << (flags & 3);
  assume(sizeBytes < 8);
  const length = fields.number(sizeBytes as 1 | 2 | 4);
  if (fields.take(length).toString('utf8') !== name) return undefined;
  assume(isHard);
  return fields.long();
}

interface SymbolTable {
  tree: number;
  heap: number;
  name: string;
}

/** An old group: a B-tree (III.A.1) of symbol tables (III.B), with names in a local heap (III.D). */
function addressInTable(file: FileBytes, { tree, heap, name }: SymbolTable): number | undefined {
  const header = file.read(heap, 32).signature('HEAP');
  const [length, , names] = [header.skip(4).long(), header.skip(8), header.long()];
  assume(length <= MAX_BLOCK_BYTES);
  const heapBytes = file.read(names, length).bytes;
  for (const table of leavesOf(file, { address: tree, type: 0, keyBytes: 8, maxNodes: MAX_BLOCKS })) {
    const fields = file.read(table.child, 8).signature('SNOD').skip(2);
    const entries = file.read(table.child + 8, fields.number(2) * 40);
    while (entries.left > 0) {
      const [nameAt, address] = [entries.long(), entries.long()];
      const isSoft = entries.number(4) === 2;
      entries.skip(20);
      const end = heapBytes.indexOf(0, nameAt);
      if (heapBytes.subarray(nameAt, end).toString('utf8') !== name) continue;
      assume(!isSoft);
      return address;
    }
  }
  return undefined;
}

function describeArray(file: FileBytes, messages: readonly Message[]): StoredArray {
  const find = (type: number) => messages.filter((message) => message.type === type);
  const only = (type: number) => {
    const found = find(type);
    assume(found.length === 1);
    return found[0]!.fields;
  };
  assume(find(MESSAGE.externalFiles).length === 0);
  const shape = parseShape(only(MESSAGE.dataspace));
  const type = parseType(only(MESSAGE.datatype));
  const bytes = elementsOf(shape) * type.size;
  assume(Number.isSafeInteger(bytes));
  const layout = parseLayout(only(MESSAGE.layout), { rank: shape.length, size: type.size });
  if (layout.type === 'contiguous') assume(layout.bytes === bytes && layout.offset + bytes <= file.size);
  const filters = find(MESSAGE.filters).flatMap(({ fields }) => parseFilters(fields));
  return { shape, ...type, layout, filters };
}

/** A dataspace message (IV.A.2.b). */
function parseShape(fields: Fields): number[] {
  const version = fields.number(1);
  const rank = fields.number(1);
  assume(rank >= 1 && rank <= MAX_RANK && (version === 1 || version === 2));
  if (version === 1) fields.skip(6);
  else assume(fields.skip(1).number(1) === 1); // simple, neither scalar nor null
  return Array.from({ length: rank }, () => fields.long());
}

/** A datatype message (IV.A.2.d) of an integer type without padding. */
function parseType(fields: Fields): Pick<StoredArray, 'size' | 'signed' | 'littleEndian'> {
  assume((fields.number(1) & 0x0f) === 0);
  const bits = fields.number(1);
  const size = fields.skip(2).number(4);
  assume([1, 2, 4, 8].includes(size));
  assume(fields.number(2) === 0 && fields.number(2) === 8 * size); // offset and precision in bits
  return { size, signed: (bits & 0x08) !== 0, littleEndian: (bits & 0x01) === 0 };
}

type ParsedLayout =
  | Exclude<StoredLayout, { type: 'contiguous' }>
  | { readonly type: 'contiguous'; readonly offset: number; readonly bytes: number };

/** A layout message of version 3 or 4 (IV.A.2.i). */
function parseLayout(fields: Fields, { rank, size }: { rank: number; size: number }): ParsedLayout {
  const version = fields.number(1);
  assume(version === 3 || version === 4);
  const type = fields.number(1);
  if (type === 0) return { type: 'compact' };
  if (type === 1) return { type: 'contiguous', offset: fields.long(), bytes: fields.long() };
  assume(type === 2);
  const flags = version === 4 ? fields.number(1) : 0;
  assume(fields.number(1) === rank + 1);
  const sizeBytes = version === 4 ? fields.number(1) : 4;
  const sizes = Array.from({ length: rank + 1 }, () => 0);
  if (version === 3) {
    const tree = fields.bytes.readBigUInt64LE(fields.at);
    fields.skip(8);
    for (let i = 0; i <= rank; i++) sizes[i] = fields.number(4);
    assume(sizes[rank] === size && tree !== UNDEFINED);
    const index = { type: 'B-tree', address: Number(tree) } as const;
    return { type: 'chunked', chunk: sizes.slice(0, rank), index };
  }
  assume(sizeBytes >= 1 && sizeBytes <= 4);
  for (let i = 0; i <= rank; i++) sizes[i] = fields.number(sizeBytes as 1 | 2 | 3 | 4);
  assume(sizes[rank] === size);
  return { type: 'chunked', chunk: sizes.slice(0, rank), index: parseChunkIndex(fields, flags) };
}

function parseChunkIndex(fields: Fields, flags: number): ChunkIndex | undefined {
  const type = fields.number(1);
  if (type === 1) {
    if (flags & 0x02) return undefined;
    return { type: 'single', address: fields.long() };
  }
  if (type === 2) return { type: 'implicit', address: fields.long() };
  if (type === 3) return { type: 'fixed array', address: fields.skip(1).long() };
  // Arrays that can grow have an extensible array or a B-tree of version 2.
  return undefined;
}

/** A filter pipeline message (IV.A.2.l): the identifiers. */
function parseFilters(fields: Fields): number[] {
  const version = fields.number(1);
  const count = fields.number(1);
  assume(version === 1 || version === 2);
  if (version === 1) fields.skip(6);
  return Array.from({ length: count }, () => {
    const id = fields.number(2);
    const nameBytes = version === 1 || id >= 256 ? fields.number(2) : 0;
    const values = fields.skip(2).number(2);
    const padding = version === 1 && values % 2 === 1 ? 4 : 0;
    fields.skip(version === 1 ? Math.ceil(nameBytes / 8) * 8 : nameBytes);
    fields.skip(4 * values + padding);
    return id;
  });
}
