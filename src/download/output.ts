/** What an archive must decompress to, and the errors when it does not. */
import { PcamError } from '../core/index.js';
import type { DatasetFile } from '../manifest/index.js';
import type { DecodeProblem, PassOutput, PassResult } from '../pass/index.js';
import { mostExtracted } from './target.js';

export function outputFor(file: DatasetFile, path: string): PassOutput {
  return { path, decode: 'gunzip', digests: ['md5'], most: mostExtracted(file) };
}

/**
 * Called once the archive's own digests are right, so that what is wrong here is wrong at its origin.
 * @throws PcamError BAD_GZIP or DIGEST_MISMATCH
 */
export function checkOutput(file: DatasetFile, result: PassResult, archive: string): void {
  const { extracted } = file;
  if (!extracted) return;
  if (result.problem) throw badGzip(file, result.problem, archive);
  const { bytes, digests } = result.output!;
  const kept = `the archive, whose digests are right, is kept as ${archive}; ${extracted.name} was not written`;
  if (digests.md5 !== extracted.md5) {
    throw new PcamError(
      'DIGEST_MISMATCH',
      `${file.name} decompresses to something else than the manifest says: MD5 expected ${extracted.md5}, found ${digests.md5}`,
      { expected: extracted.md5, found: digests.md5, hint: `${kept}; check extracted.md5 in the manifest` },
    );
  }
  if (extracted.bytes !== undefined && extracted.bytes !== bytes) {
    throw new PcamError(
      'DIGEST_MISMATCH',
      `${file.name} decompresses to ${bytes} bytes, and the manifest says ${extracted.bytes}`,
      {
        expected: `${extracted.bytes} bytes`,
        found: `${bytes} bytes`,
        hint: `${kept}; check extracted.bytes in the manifest`,
      },
    );
  }
}

function badGzip(file: DatasetFile, { reason, detail }: DecodeProblem, archive: string): PcamError {
  const said: Record<DecodeProblem['reason'], string> = {
    'not-gzip': 'is not a gzip archive',
    damaged: 'holds damaged gzip data',
    'ends-early': 'holds gzip data that end too early',
    'trailing-bytes': 'has trailing bytes',
    'too-large': 'decompresses to more than it should',
  };
  return new PcamError('BAD_GZIP', `${file.name} ${said[reason]}: ${detail}`, {
    hint:
      `its digests are those of the manifest, so fetching it again would not help; the archive is kept as ${archive}, ` +
      `and ${file.extracted?.name} was not written: check the manifest, or its maker's archive`,
  });
}
