/** What a run wants of a file: its form, its size, and what its archive must decompress to, with the errors when it does not. */
import { elementsOf, PcamError } from '../core/index.js';
import { type Content, contentsOf, type DatasetFile } from '../manifest/index.js';
import {
  type DecodeProblem,
  type DigestName,
  type PassOutput,
  type PassResult,
  strongest,
} from '../pass/index.js';

/** The form that is to lie in the data set folder when the run is over. */
export function wanted(file: DatasetFile, extract: boolean): Content {
  const { final, archive } = contentsOf(file);
  return extract ? final : (archive ?? final);
}

export function archiveOf(file: DatasetFile): Content | undefined {
  return contentsOf(file).archive;
}

/** What to digest: the strongest digest of an archive, and MD5 always of what stays, as `verify` and `export` go by it. */
export function digestsOf(content: Content): DigestName[] {
  const names = strongest(content);
  return content.form === 'archive' || names.includes('md5') ? names : ['md5', ...names];
}

const HDF5_OVERHEAD_BYTES = 64 * 1024 * 1024;
/** deflate cannot do better than 1032 : 1, so an archive of known size bounds what it can hold. */
const MAX_DEFLATE_RATIO = 1032;

/**
 * A decompressed file that is larger is taken for a bomb: the size that the manifest gives, else what the array needs
 * with room for HDF5's own structures.
 */
function maxExtracted(file: DatasetFile): number {
  const { extracted, array, bytes } = file;
  if (extracted?.bytes !== undefined) return extracted.bytes;
  if (array) return elementsOf(array.shape) * 8 + HDF5_OVERHEAD_BYTES;
  if (bytes !== undefined) return bytes * MAX_DEFLATE_RATIO;
  return Number.MAX_SAFE_INTEGER;
}

/** Bytes that the file will take, once decompressed; a close guess where the manifest does not say. */
export function expectedExtracted(file: DatasetFile): number {
  const { extracted, array, bytes = 0 } = file;
  if (!extracted) return bytes;
  // One byte per element: images and labels of PCam are uint8.
  return extracted.bytes ?? (array ? elementsOf(array.shape) + 4096 : Math.ceil(bytes / 0.85));
}

export function outputFor(file: DatasetFile, path: string): PassOutput {
  return { path, decode: 'gunzip', digests: ['md5'], maxBytes: maxExtracted(file) };
}

/**
 * Called once the archive's own digests are right, so that what is wrong here is wrong at its origin.
 * @param archive where it lies; undefined where nothing of it is kept
 * @throws PcamError BAD_GZIP or DIGEST_MISMATCH
 */
export function checkOutput(file: DatasetFile, result: PassResult, archive: string | undefined): void {
  const { extracted } = file;
  if (!extracted) return;
  if (result.problem) throw badGzip(file, result.problem, archive);
  const { bytes, digests } = result.output!;
  const kept =
    archive === undefined
      ? 'the digests of the archive were right'
      : `the archive, whose digests are right, is kept as ${archive}`;
  const hint = `${kept}; ${extracted.name} was not written;`;
  if (digests.md5 !== extracted.md5) {
    throw new PcamError(
      'DIGEST_MISMATCH',
      `${file.name} decompresses to something else than the manifest says: MD5 expected ${extracted.md5}, found ${digests.md5}`,
      { expected: extracted.md5, found: digests.md5, hint: `${hint} check extracted.md5 in the manifest` },
    );
  }
  if (extracted.bytes !== undefined && extracted.bytes !== bytes) {
    throw new PcamError(
      'DIGEST_MISMATCH',
      `${file.name} decompresses to ${bytes} bytes, and the manifest says ${extracted.bytes}`,
      {
        expected: `${extracted.bytes} bytes`,
        found: `${bytes} bytes`,
        hint: `${hint} check extracted.bytes in the manifest`,
      },
    );
  }
}

function badGzip(
  file: DatasetFile,
  { reason, detail }: DecodeProblem,
  archive: string | undefined,
): PcamError {
  const said: Record<DecodeProblem['reason'], string> = {
    'not-gzip': 'is not a gzip archive',
    damaged: 'holds damaged gzip data',
    'ends-early': 'holds gzip data that end too early',
    'trailing-bytes': 'has trailing bytes',
    'too-large': 'decompresses to more than it should',
  };
  return new PcamError('BAD_GZIP', `${file.name} ${said[reason]}: ${detail}`, {
    hint:
      `its digests are those of the manifest, so fetching it again would not help; ${archive === undefined ? '' : `the archive is kept as ${archive}, and `}` +
      `${file.extracted?.name} was not written: check the manifest, or its maker's archive`,
  });
}
