/** What an error of the system means: one table from its code to an error of pcam, in words and with what to do. */
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { type ErrorCode, type ErrorFacts, messageOf, PcamError, type PcamErrorOptions } from './errors.js';

interface Meaning extends Pick<PcamErrorOptions, 'hint' | 'options'> {
  code: ErrorCode;
  /** What happened, before "while …". */
  text: string;
  /** The machine's own failure, whatever line of code meets it: never a bug of pcam. */
  isLocal?: boolean;
}

const RUN_AGAIN = 'then run it again';
const NO_ROOM = `make room or choose another folder, ${RUN_AGAIN}`;
const TOO_MANY_FILES: Meaning = {
  code: 'IO',
  text: 'too many open files (%)',
  hint: 'raise the limit (`ulimit -n 1024`), or let pcam do less at once',
  options: ['jobs', 'workers', 'connections'],
  isLocal: true,
};
const NO_MEMORY: Meaning = {
  code: 'IO',
  text: 'the system is out of memory or threads (%)',
  hint: 'raise the limits of the process, or let pcam do less at once',
  options: ['jobs', 'workers'],
  isLocal: true,
};
const NO_PERMISSION: Meaning = {
  code: 'NO_PERMISSION',
  text: 'no permission (%)',
  hint: 'choose a folder that you can write to, or change its permissions',
};
const NOT_A_FOLDER: Meaning = {
  code: 'NOT_A_FOLDER',
  text: 'expected a directory, found a file',
  hint: 'move that file away, or choose another folder',
};
const IN_USE: Meaning = {
  code: 'IO',
  text: 'a file is open in another program (%)',
  hint: `close that program, or exclude the folder from the virus scanner, ${RUN_AGAIN}`,
};

/** By code of Node or of Linux; `%` stands for it. */
const MEANINGS: Record<string, Meaning> = {
  ENOSPC: { code: 'DISK_FULL', text: 'the disk is full', hint: NO_ROOM, isLocal: true },
  EDQUOT: { code: 'DISK_FULL', text: 'your disk quota is used up (%)', hint: NO_ROOM, isLocal: true },
  EFBIG: {
    code: 'IO',
    text: 'the file would be larger than a limit allows (%)',
    hint: 'choose a folder whose file system takes larger files (FAT: 4 GB at most), or raise the limit of the process (`ulimit -f`)',
    isLocal: true,
  },
  EIO: {
    code: 'IO',
    text: 'the disk or the connection to it fails: EIO',
    hint: 'look into the log of the system; what is on the disk was not judged by this',
    isLocal: true,
  },
  ESTALE: {
    code: 'IO',
    text: 'the file server has replaced or lost a file (%)',
    hint: `mount the file system again, ${RUN_AGAIN}`,
    isLocal: true,
  },
  EUCLEAN: {
    code: 'IO',
    text: 'the file system is damaged (%)',
    hint: `have it checked (fsck), ${RUN_AGAIN}`,
    isLocal: true,
  },
  EROFS: {
    code: 'NO_PERMISSION',
    text: 'the file system is read-only (%)',
    hint: 'choose a folder that you can write to',
  },
  EACCES: NO_PERMISSION,
  EPERM: NO_PERMISSION,
  EBUSY: IN_USE,
  ETXTBSY: IN_USE,
  ENOTDIR: NOT_A_FOLDER,
  EEXIST: NOT_A_FOLDER,
  EISDIR: {
    code: 'IO',
    text: 'expected a file, found a directory',
    hint: `move that directory away, ${RUN_AGAIN}`,
  },
  ENOENT: {
    code: 'MISSING',
    text: 'a file disappeared',
    hint: 'another process changed the folder; run it again',
  },
  EMFILE: TOO_MANY_FILES,
  ENFILE: TOO_MANY_FILES,
  ENOMEM: NO_MEMORY,
  EAGAIN: NO_MEMORY,
};

/** Numbers of Linux that libuv has no name for: it says `Unknown system error -122`. */
const UNNAMED: Record<string, string> = { '-116': 'ESTALE', '-117': 'EUCLEAN', '-122': 'EDQUOT' };

/** The code of a Node system error (`ENOSPC`, `ECONNRESET`, …), or '' for anything else. */
export function systemCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== 'string') return '';
  const [, unnamed = ''] = /^Unknown system error (-\d+)$/.exec(code) ?? [];
  return (process.platform === 'linux' && UNNAMED[unnamed]) || code;
}

/**
 * Turns what the file system said into a PcamError.
 * @param doing what pcam was doing, as a gerund with its object: `writing pcam/x.h5`
 */
export function fsError(error: unknown, doing: string): PcamError {
  if (error instanceof PcamError) return error;
  const { syscall } = (error ?? {}) as { syscall?: unknown };
  // Asking for the current directory says ENOENT, and it is no file of the data set that is missing.
  if (syscall === 'uv_cwd') return directoryRemoved(error);
  const code = systemCode(error);
  if (code === '') return new PcamError('INTERNAL', `${messageOf(error)} while ${doing}`, { cause: error });
  const meaning = refine(error, MEANINGS[code] ?? { code: 'IO', text: 'system error %' });
  return toError(meaning, code, ` while ${doing}`, error);
}

/** What more the error says than its code. */
function refine(error: unknown, meaning: Meaning): Meaning {
  const { syscall, path } = error as { syscall?: string; path?: string };
  if (meaning === NO_PERMISSION && (syscall === 'rename' || syscall === 'unlink'))
    return { ...meaning, text: 'no permission (%), or the file is open in another program,' };
  if (systemCode(error) === 'ENOSPC' && path !== undefined && hasNoInodes(path)) {
    const text = 'the file system has room, but no inode for another file';
    const hint = `remove small files there, or choose another folder, ${RUN_AGAIN}`;
    return { ...meaning, text, hint };
  }
  return meaning;
}

/** ENOSPC is also said where there are no inodes left. */
function hasNoInodes(path: string): boolean {
  try {
    const { bavail, files, ffree } = statfsSync(dirname(path));
    return files > 0 && ffree === 0 && bavail > 0;
  } catch {
    return false;
  }
}

function toError({ code, text, hint, options }: Meaning, system: string, ending: string, cause: unknown) {
  return new PcamError(code, text.replace('%', system) + ending, { cause, hint, options });
}

/** What a process runs out of, in the messages of errors that come without a code. */
const SCARCE = /\b(EMFILE|ENFILE|ENOMEM|EAGAIN)\b/;

/** The error for a limit or a failure of this machine that any line of code can meet; undefined for anything else. */
export function localError(error: unknown): PcamError | undefined {
  if (error instanceof PcamError) return undefined;
  const { syscall, path } = (error ?? {}) as { syscall?: string; path?: string };
  if (syscall === 'uv_cwd') return directoryRemoved(error);
  const memory = memoryError(error);
  if (memory) return memory;
  const code = systemCode(error);
  if (code === 'ERR_MODULE_NOT_FOUND') {
    // Node's resolver says so as well when it may not open another file.
    return new PcamError('IO', `a part of pcam cannot be loaded: ${messageOf(error)}`, {
      cause: error,
      hint: 'install pcam again; where a limit on open files is low, raise it (`ulimit -n 1024`)',
    });
  }
  const scarce = SCARCE.exec(`${code} ${messageOf(error)}`)?.[1];
  if (scarce !== undefined) return toError(MEANINGS[scarce]!, scarce, '', error);
  if (!MEANINGS[code]?.isLocal) return undefined;
  return fsError(error, `${DOING[syscall ?? ''] ?? 'using'} ${path ?? 'a file'}`);
}

const DOING: Record<string, string> = {
  read: 'reading',
  write: 'writing',
  open: 'opening',
  fsync: 'flushing',
};

function directoryRemoved(cause: unknown): PcamError {
  return new PcamError('IO', 'the current directory has been removed', {
    cause,
    hint: `change to another directory, ${RUN_AGAIN}`,
  });
}

/** The error for a WebAssembly memory that the system refused; undefined for anything else. */
export function memoryError(cause: unknown): PcamError | undefined {
  const [said] =
    /WebAssembly\.\w+\(\): (out of memory|could not allocate memory)[^)]*/i.exec(messageOf(cause)) ?? [];
  if (said === undefined) return undefined;
  return new PcamError('IO', `the system refuses memory (${said})`, {
    cause,
    // V8 reserves 10 GB of addresses for each of its memories, unless it checks every access by itself.
    hint: 'raise the limit on virtual memory (`ulimit -v`), or set NODE_OPTIONS=--disable-wasm-trap-handler',
  });
}

/** What is known about an error; one that neither pcam threw on purpose nor the machine caused is INTERNAL. */
export function factsOf(given: unknown): ErrorFacts {
  const error = localError(given) ?? given;
  if (!(error instanceof PcamError)) return { code: 'INTERNAL', message: messageOf(error) };
  const { code, message, hint, options, next, about, reasons, expected, found } = error;
  return { code, message, hint, options, next, about, reasons, expected, found };
}
