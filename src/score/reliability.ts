/** How often patches with about the same probability have tumor: what the ECE sums up. */

export interface ReliabilityBin {
  readonly low: number;
  readonly high: number;
  readonly patches: number;
  /** Mean probability, and share of positive patches; NaN in an empty bin. */
  readonly predicted: number;
  readonly observed: number;
}

/** @param bins of the same width; the last one includes 1 */
export function reliability(probabilities: Float64Array, labels: Uint8Array, bins: number): ReliabilityBin[] {
  const patches = new Uint32Array(bins);
  const positive = new Uint32Array(bins);
  const sums = new Float64Array(bins);
  for (const [i, p] of probabilities.entries()) {
    let bin = Math.min(bins - 1, Math.floor(p * bins));
    // The product may round to the other side of an edge.
    if (p < bin / bins) bin--;
    else if (bin < bins - 1 && p >= (bin + 1) / bins) bin++;
    patches[bin]!++;
    positive[bin]! += labels[i]!;
    sums[bin]! += p;
  }
  return Array.from(patches, (count, bin) => ({
    low: bin / bins,
    high: (bin + 1) / bins,
    patches: count,
    predicted: sums[bin]! / count,
    observed: positive[bin]! / count,
  }));
}
