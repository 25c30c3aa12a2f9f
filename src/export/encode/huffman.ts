/** Huffman codes of limited length for deflate (RFC 1951, 3.2.2): from how often each symbol occurs to its bits. */

/** Longest code that deflate has. */
const MAX_CODE_BITS = 15;

/** Scratch memory for one alphabet, so that a code costs no allocation. */
export class HuffmanBuilder {
  readonly #limit: number;
  readonly #keys: Float64Array;
  readonly #tree: Int32Array;
  readonly #perLength = new Uint32Array(MAX_CODE_BITS + 2);
  readonly #next = new Uint32Array(MAX_CODE_BITS + 2);

  /**
   * @param symbols size of the alphabet, at most 512
   * @param limit longest code in bits; 2 ** limit must be at least `symbols`
   */
  constructor(symbols: number, limit: number) {
    this.#limit = limit;
    this.#keys = new Float64Array(symbols);
    this.#tree = new Int32Array(symbols);
  }

  /** Code lengths by symbol, 0 where a symbol does not occur. At least two symbols must occur. */
  lengths(counts: Uint32Array, lengths: Uint8Array): void {
    lengths.fill(0, 0, counts.length);
    let used = 0;
    // Count and symbol in one number: sorted without a comparison function, and ties in the order of the alphabet.
    for (let symbol = 0; symbol < counts.length; symbol++) {
      if (counts[symbol]! > 0) this.#keys[used++] = counts[symbol]! * 512 + symbol;
    }
    const keys = this.#keys.subarray(0, used).sort();
    const tree = this.#tree.subarray(0, used);
    for (let i = 0; i < used; i++) tree[i] = Math.floor(keys[i]! / 512);
    minimumRedundancy(tree);
    limitLengths(tree, this.#limit);
    for (let i = 0; i < used; i++) lengths[keys[i]! % 512] = tree[i]!;
  }

  /** Canonical codes by symbol, their bits reversed because deflate sends codes from the top. */
  codes(lengths: Uint8Array, symbols: number, codes: Uint16Array): void {
    const perLength = this.#perLength.fill(0);
    for (let symbol = 0; symbol < symbols; symbol++) perLength[lengths[symbol]!]!++;
    perLength[0] = 0;
    let code = 0;
    for (let length = 1; length <= MAX_CODE_BITS; length++) {
      code = (code + perLength[length - 1]!) << 1;
      this.#next[length] = code;
    }
    for (let symbol = 0; symbol < symbols; symbol++) {
      const length = lengths[symbol]!;
      codes[symbol] = length === 0 ? 0 : reverse(this.#next[length]!++, length);
    }
  }
}

/**
 * Replaces counts, ascending, by code lengths, descending, in place.
 * A. Moffat, J. Katajainen: In-place calculation of minimum-redundancy codes (1995).
 */
function minimumRedundancy(a: Int32Array): void {
  const n = a.length;
  // First pass: pair the two smallest of leaves and inner nodes; what was paired becomes a parent pointer.
  a[0]! += a[1]!;
  let root = 0;
  let leaf = 2;
  for (let next = 1; next < n - 1; next++) {
    if (leaf >= n || a[root]! < a[leaf]!) {
      a[next] = a[root]!;
      a[root++] = next;
    } else a[next] = a[leaf++]!;
    if (leaf >= n || (root < next && a[root]! < a[leaf]!)) {
      a[next]! += a[root]!;
      a[root++] = next;
    } else a[next]! += a[leaf++]!;
  }
  // Second pass: parent pointers become depths of the inner nodes.
  a[n - 2] = 0;
  for (let next = n - 3; next >= 0; next--) a[next] = a[a[next]!]! + 1;
  // Third pass: what a level has room for and inner nodes do not use is leaves.
  let open = 1;
  let inner = 0;
  let depth = 0;
  let next = n - 1;
  root = n - 2;
  while (open > 0) {
    while (root >= 0 && a[root] === depth) {
      inner++;
      root--;
    }
    while (open > inner) {
      a[next--] = depth;
      open--;
    }
    open = 2 * inner;
    depth++;
    inner = 0;
  }
}

/** Cuts lengths, descending, to `limit` bits and makes them a complete code again (Kraft's sum is one). */
function limitLengths(lengths: Int32Array, limit: number): void {
  if (lengths[0]! <= limit) return;
  const whole = 1 << limit;
  let sum = 0;
  for (let i = 0; i < lengths.length; i++) {
    if (lengths[i]! > limit) lengths[i] = limit;
    sum += 1 << (limit - lengths[i]!);
  }
  // Too much: longer codes for the rarest symbols that still have room to grow.
  for (let i = 0; sum > whole; ) {
    while (lengths[i]! >= limit) i++;
    lengths[i]!++;
    sum -= 1 << (limit - lengths[i]!);
  }
  // Too little, by the last step: shorter codes for the most frequent symbols.
  for (let i = lengths.length - 1; i >= 0 && sum < whole; i--) {
    while (lengths[i]! > 1 && sum + (1 << (limit - lengths[i]!)) <= whole) {
      sum += 1 << (limit - lengths[i]!);
      lengths[i]!--;
    }
  }
}

function reverse(code: number, length: number): number {
  let reversed = 0;
  for (let i = 0; i < length; i++) reversed = (reversed << 1) | ((code >>> i) & 1);
  return reversed;
}
