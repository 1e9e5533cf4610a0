/**
 * SipHash-2-4 of Aumasson and Bernstein: a keyed hash of short messages whose results nobody can
 * predict without the key. It makes initial sequence numbers, SYN cookies and timestamp offsets
 * (RFC 6528 3 asks for such a function). The 64-bit words of its definition are kept in halves of
 * 32 bits: no BigInt, and no allocation per call.
 */
export class SipHash {
  /** Low half of the 64-bit result of the last call, unsigned. */
  low: number;
  /** High half of the 64-bit result of the last call, unsigned. */
  high: number;
  /** k0 low, k0 high, k1 low, k1 high. */
  readonly #key: Int32Array;
  /** v0 low, v0 high, v1 low, ... v3 high. */
  readonly #state: Int32Array;

  /** @param key 16 octets, which are copied */
  constructor(key: Uint8Array) {
    if (key.length !== 16) throw new RangeError(`a key of ${key.length} octets, not 16`);
    const view = new DataView(key.buffer, key.byteOffset, 16);
    this.low = 0;
    this.high = 0;
    this.#key = new Int32Array(4);
    for (let i = 0; i < 4; i++) this.#key[i] = view.getInt32(4 * i, true);
    this.#state = new Int32Array(8);
  }

  /**
   * Hashes the first `count` words as `4 * count` octets, each word with its low octet first.
   * @returns the low 32 bits of the result, unsigned; all 64 stand in {@link low} and {@link high}
   */
  hash32(words: Uint32Array, count: number): number {
    this.#begin();
    for (let i = 0; i + 1 < count; i += 2) this.#compress(words[i] ?? 0, words[i + 1] ?? 0);
    const odd = (count & 1) === 1 ? (words[count - 1] ?? 0) : 0;
    this.#compress(odd, count << 26); // the last octet is the number of octets modulo 256
    this.#finish();
    return this.low;
  }

  #begin(): void {
    const k0l = this.#key[0] ?? 0;
    const k0h = this.#key[1] ?? 0;
    const k1l = this.#key[2] ?? 0;
    const k1h = this.#key[3] ?? 0;
    const v = this.#state;
    // "somepseudorandomlygeneratedbytes", the constant of the definition
    v[0] = k0l ^ 0x70736575;
    v[1] = k0h ^ 0x736f6d65;
    v[2] = k1l ^ 0x6e646f6d;
    v[3] = k1h ^ 0x646f7261;
    v[4] = k0l ^ 0x6e657261;
    v[5] = k0h ^ 0x6c796765;
    v[6] = k1l ^ 0x79746573;
    v[7] = k1h ^ 0x74656462;
  }

  #compress(low: number, high: number): void {
    const v = this.#state;
    v[6] = (v[6] ?? 0) ^ low;
    v[7] = (v[7] ?? 0) ^ high;
    this.#rounds(2);
    v[0] = (v[0] ?? 0) ^ low;
    v[1] = (v[1] ?? 0) ^ high;
  }

  #finish(): void {
    const v = this.#state;
    v[4] = (v[4] ?? 0) ^ 0xff;
    this.#rounds(4);
    this.low = ((v[0] ?? 0) ^ (v[2] ?? 0) ^ (v[4] ?? 0) ^ (v[6] ?? 0)) >>> 0;
    this.high = ((v[1] ?? 0) ^ (v[3] ?? 0) ^ (v[5] ?? 0) ^ (v[7] ?? 0)) >>> 0;
  }

  /** SipRound, `n` times. The state lives in locals meanwhile, so in registers. */
  #rounds(n: number): void {
    const v = this.#state;
    let v0l = v[0] ?? 0;
    let v0h = v[1] ?? 0;
    let v1l = v[2] ?? 0;
    let v1h = v[3] ?? 0;
    let v2l = v[4] ?? 0;
    let v2h = v[5] ?? 0;
    let v3l = v[6] ?? 0;
    let v3h = v[7] ?? 0;
    let t = 0;
    for (let i = 0; i < n; i++) {
      // v0 += v1; v1 <<<= 13; v1 ^= v0; v0 <<<= 32
      t = (v0l + v1l) | 0;
      v0h = (v0h + v1h + carry(t, v1l)) | 0;
      v0l = t;
      t = ((v1h << 13) | (v1l >>> 19)) ^ v0h;
      v1l = ((v1l << 13) | (v1h >>> 19)) ^ v0l;
      v1h = t;
      t = v0l;
      v0l = v0h;
      v0h = t;
      // v2 += v3; v3 <<<= 16; v3 ^= v2
      t = (v2l + v3l) | 0;
      v2h = (v2h + v3h + carry(t, v3l)) | 0;
      v2l = t;
      t = ((v3h << 16) | (v3l >>> 16)) ^ v2h;
      v3l = ((v3l << 16) | (v3h >>> 16)) ^ v2l;
      v3h = t;
      // v0 += v3; v3 <<<= 21; v3 ^= v0
      t = (v0l + v3l) | 0;
      v0h = (v0h + v3h + carry(t, v3l)) | 0;
      v0l = t;
      t = ((v3h << 21) | (v3l >>> 11)) ^ v0h;
      v3l = ((v3l << 21) | (v3h >>> 11)) ^ v0l;
      v3h = t;
      // v2 += v1; v1 <<<= 17; v1 ^= v2; v2 <<<= 32
      t = (v2l + v1l) | 0;
      v2h = (v2h + v1h + carry(t, v1l)) | 0;
      v2l = t;
      t = ((v1h << 17) | (v1l >>> 15)) ^ v2h;
      v1l = ((v1l << 17) | (v1h >>> 15)) ^ v2l;
      v1h = t;
      t = v2l;
      v2l = v2h;
      v2h = t;
    }
    v[0] = v0l;
    v[1] = v0h;
    v[2] = v1l;
    v[3] = v1h;
    v[4] = v2l;
    v[5] = v2h;
    v[6] = v3l;
    v[7] = v3h;
  }
}

/** Did the 32-bit addition that gave `sum` overflow, `addend` being one of the two? */
function carry(sum: number, addend: number): number {
  return sum >>> 0 < addend >>> 0 ? 1 : 0;
}
