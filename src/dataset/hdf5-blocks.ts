/**
 * Reads the blocks of an HDF5 file, which is untrusted: sizes and addresses are bounded by the file and by what pcam
 * expects of one.
 */
import { readSync } from 'node:fs';

/** An address that means "nowhere", as all sizes and addresses have 8 bytes here. */
export const UNDEFINED = 0xffff_ffff_ffff_ffffn;
/** An object header of PCam has some 300 bytes, a node of a B-tree some 4 kB. */
export const MAX_BLOCK_BYTES = 64 * 1024;

/** Thrown where the structure is not what pcam expects and knows how to read. */
export class Unusual extends Error {}

export function assume(condition: boolean): asserts condition {
  if (!condition) throw new Unusual();
}

/** Reads little-endian fields one after the other. */
export class Fields {
  at = 0;

  constructor(readonly bytes: Buffer) {}

  number(size: 1 | 2 | 3 | 4): number {
    this.at += size;
    return this.bytes.readUIntLE(this.at - size, size);
  }

  /** A size or an address of 8 bytes. */
  long(): number {
    this.at += 8;
    const value = this.bytes.readBigUInt64LE(this.at - 8);
    assume(value <= BigInt(Number.MAX_SAFE_INTEGER));
    return Number(value);
  }

  skip(size: number): this {
    this.at += size;
    return this;
  }

  take(size: number): Buffer {
    assume(size >= 0 && this.at + size <= this.bytes.length);
    this.at += size;
    return this.bytes.subarray(this.at - size, this.at);
  }

  signature(text: string): this {
    assume(this.take(text.length).equals(Buffer.from(text, 'latin1')));
    return this;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }
}

export class FileBytes {
  constructor(
    readonly fd: number,
    readonly size: number,
  ) {}

  read(address: number, length: number): Fields {
    assume(length >= 0 && length <= MAX_BLOCK_BYTES && address + length <= this.size);
    const bytes = Buffer.alloc(length);
    for (let at = 0; at < length; ) {
      const read = readSync(this.fd, bytes, at, length - at, address + at);
      assume(read > 0);
      at += read;
    }
    return new Fields(bytes);
  }
}

export interface Tree {
  address: number;
  /** 0 for groups, 1 for chunks. */
  type: 0 | 1;
  keyBytes: number;
  maxNodes: number;
}

/** The entries of all leaves of a B-tree of version 1 (III.A.1), in order. */
export function* leavesOf(
  file: FileBytes,
  { address, type, keyBytes, maxNodes }: Tree,
): Generator<{ key: Fields; child: number }> {
  const open = [{ address, level: -1 }];
  for (let node = open.pop(), n = 0; node; node = open.pop(), n++) {
    assume(n < maxNodes);
    const head = file.read(node.address, 24).signature('TREE');
    assume(head.number(1) === type);
    const [level, entries] = [head.number(1), head.number(2)];
    assume(node.level < 0 || level === node.level - 1);
    const fields = file.read(node.address + 24, entries * (keyBytes + 8));
    const children: { address: number; level: number }[] = [];
    for (let i = 0; i < entries; i++) {
      const key = new Fields(fields.take(keyBytes));
      const child = fields.long();
      if (level === 0) yield { key, child };
      else children.push({ address: child, level });
    }
    open.push(...children.reverse());
  }
}
