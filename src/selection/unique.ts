/** Which patches of a split are the first of their kind, pixel by pixel. */
import { DigestTable, type SplitScanRequest, scanSplit } from '../scan/index.js';

/** @returns shape (count): 1 for the first of identical patches, 0 for its copies */
export async function firstOfEach(request: SplitScanRequest): Promise<Uint8Array> {
  const { count, sha1 } = await scanSplit(request);
  const table = new DigestTable({ count, sha1 });
  return Uint8Array.from({ length: count }, (_, patch) => Number(table.enter(patch) === patch));
}
