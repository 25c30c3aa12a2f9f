/** A disk in memory with what pcam's own files need of node:fs/promises; anything else throws. It can be copied. */
import { constants } from 'node:fs';

const { O_RDWR, O_WRONLY, O_CREAT, O_EXCL, O_TRUNC } = constants;
const FLAGS: Record<string, number> = {
  r: 0,
  'r+': O_RDWR,
  w: O_WRONLY | O_CREAT | O_TRUNC,
  wx: O_WRONLY | O_CREAT | O_EXCL,
};

export interface Inode {
  readonly ino: bigint;
  readonly isFolder: boolean;
  data: Buffer;
  readonly entries: Map<string, Inode>;
  mtime: bigint;
  ctime: bigint;
}

/** A name in a directory. */
interface Place {
  folder: Inode;
  name: string;
}

export class Disk {
  /** Called after each change of names or bytes. */
  onChange: () => void = () => {};
  #inodes = 0n;
  /** Nanoseconds; each change is later than the one before. */
  #now = 10n ** 18n;
  #root = this.#inode(true);

  /** Lets time pass: every heartbeat is old then. */
  pass(ms: number): void {
    this.#now += BigInt(ms) * 1_000_000n;
  }

  /** What is under a path; undefined when there is nothing. */
  find(path: string): Inode | undefined {
    let at: Inode | undefined = this.#root;
    for (const step of stepsOf(path)) at = at?.entries.get(step);
    return at;
  }

  /** The same files under the same names, with nothing open. */
  copy(): Disk {
    const copies = new Map<Inode, Inode>();
    const copyOf = (inode: Inode): Inode => {
      const known = copies.get(inode);
      if (known) return known;
      const copy = { ...inode, entries: new Map<string, Inode>() };
      copies.set(inode, copy);
      for (const [name, entry] of inode.entries) copy.entries.set(name, copyOf(entry));
      return copy;
    };
    const disk = new Disk();
    disk.#root = copyOf(this.#root);
    [disk.#inodes, disk.#now] = [this.#inodes, this.#now];
    return disk;
  }

  #inode(isFolder: boolean): Inode {
    const now = ++this.#now;
    const data = Buffer.alloc(0);
    return { ino: ++this.#inodes, isFolder, data, entries: new Map(), mtime: now, ctime: now };
  }

  #get(path: string): Inode {
    const inode = this.find(path);
    if (!inode) throw failure('ENOENT', path);
    return inode;
  }

  #place(path: string): Place {
    const end = path.lastIndexOf('/');
    const folder = this.#get(path.slice(0, end));
    if (!folder.isFolder) throw failure('ENOTDIR', path);
    return { folder, name: path.slice(end + 1) };
  }

  #set({ folder, name }: Place, inode: Inode | undefined): void {
    if (inode) folder.entries.set(name, inode);
    else folder.entries.delete(name);
  }

  #changed(inode: Inode): void {
    inode.ctime = ++this.#now;
    this.onChange();
  }

  open(path: string, how: string | number = 'r'): object {
    const flags = typeof how === 'number' ? how : FLAGS[how]!;
    const place = this.#place(path);
    let inode = place.folder.entries.get(place.name);
    if (inode && flags & O_EXCL) throw failure('EEXIST', path);
    if (!inode) {
      if (!(flags & O_CREAT)) throw failure('ENOENT', path);
      inode = this.#inode(false);
      this.#set(place, inode);
      this.#changed(inode);
    }
    const file = inode;
    return new Handle(file, (data) => {
      file.data = data;
      file.mtime = ++this.#now;
      this.#changed(file);
    });
  }

  lstat(path: string, options?: { bigint?: boolean }): object {
    return statsOf(this.#get(path), options);
  }

  link(from: string, to: string): void {
    const inode = this.#get(from);
    const place = this.#place(to);
    if (place.folder.entries.has(place.name)) throw failure('EEXIST', to);
    this.#set(place, inode);
    this.#changed(inode);
  }

  rename(from: string, to: string): void {
    const [source, target] = [this.#place(from), this.#place(to)];
    const inode = this.#get(from);
    if (target.folder.entries.get(target.name) === inode) return; // two names of one file: rename(2) does nothing
    this.#set(source, undefined);
    this.#set(target, inode);
    this.#changed(inode);
  }

  rm(path: string, { recursive = false, force = false } = {}): void {
    const inode = this.find(path);
    if (!inode && force) return;
    const { isFolder } = this.#get(path);
    if (isFolder && !recursive) throw failure('EISDIR', path);
    this.#set(this.#place(path), undefined);
    this.#changed(inode!);
  }

  rmdir(path: string): void {
    const inode = this.#get(path);
    if (inode.entries.size > 0) throw failure('ENOTEMPTY', path);
    this.#set(this.#place(path), undefined);
    this.#changed(inode);
  }

  mkdir(path: string): void {
    const place = this.#place(path);
    if (place.folder.entries.has(place.name)) throw failure('EEXIST', path);
    const inode = this.#inode(true);
    this.#set(place, inode);
    this.#changed(inode);
  }

  readdir(path: string): string[] {
    return [...this.#get(path).entries.keys()];
  }
}

/** An open file; what changes nothing that another run could see is no system call here. */
export class Handle {
  readonly #inode: Inode;
  readonly #put: (data: Buffer) => void;

  constructor(inode: Inode, put: (data: Buffer) => void) {
    this.#inode = inode;
    this.#put = put;
  }

  stat(options?: { bigint?: boolean }): object {
    return statsOf(this.#inode, options);
  }

  read(buffer: Buffer, offset: number, length: number, position: number): { bytesRead: number } {
    return { bytesRead: this.#inode.data.copy(buffer, offset, position, position + length) };
  }

  readFile(encoding?: BufferEncoding): string | Buffer {
    const { data } = this.#inode;
    return encoding ? data.toString(encoding) : Buffer.from(data);
  }

  write(bytes: Buffer | string, a = 0, length?: number, position?: number): { bytesWritten: number } {
    if (typeof bytes === 'string') this.#write(Buffer.from(bytes), a);
    else this.#write(bytes.subarray(a, a + (length ?? bytes.length)), position ?? this.#inode.data.length);
    return { bytesWritten: length ?? bytes.length };
  }

  writeFile(text: string | Buffer): void {
    this.#write(Buffer.from(text as string), 0);
  }

  appendFile(text: string): void {
    this.#write(Buffer.from(text), this.#inode.data.length);
  }

  truncate(): void {
    this.#put(Buffer.alloc(0));
  }

  #write(bytes: Buffer, at: number): void {
    const data = Buffer.alloc(Math.max(this.#inode.data.length, at + bytes.length));
    this.#inode.data.copy(data);
    bytes.copy(data, at);
    this.#put(data);
  }
}

function statsOf({ isFolder, data, ino, mtime, ctime }: Inode, { bigint = false } = {}): object {
  const number = bigint ? BigInt : Number;
  return {
    dev: number(1),
    ino: number(ino),
    size: number(data.length),
    blocks: number(8),
    mtimeNs: mtime,
    ctimeNs: ctime,
    mtimeMs: Number(mtime / 1_000_000n),
    isFile: () => !isFolder,
    isDirectory: () => isFolder,
    isSymbolicLink: () => false,
  };
}

const STEPS = new Map<string, readonly string[]>();

/** The names in a path below the mount point. */
function stepsOf(path: string): readonly string[] {
  let steps = STEPS.get(path);
  if (!steps) {
    steps = path.split('/').filter(Boolean).slice(1);
    STEPS.set(path, steps);
  }
  return steps;
}

export function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
