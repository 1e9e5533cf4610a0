/** A source of chance. The core is given one; it never takes chance from elsewhere. */
export interface Random {
  /** The next number, 0 to 2^32 - 1, all equally likely. */
  u32(): number;
}

/**
 * xoshiro128** of Blackman and Vigna, its state filled from the seed by splitmix32. Fast and
 * reproducible, for simulation, jitter and tests: whoever sees some of its numbers can tell the
 * next ones, so secrets (the keys of {@link SipHash}) come from the host instead.
 */
export class Xoshiro128 implements Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** @param seed any integer; its low 32 bits count */
  constructor(seed: number) {
    this.#a = splitmix32(seed, 1);
    this.#b = splitmix32(seed, 2);
    this.#c = splitmix32(seed, 3);
    this.#d = splitmix32(seed, 4);
  }

  u32(): number {
    const product = Math.imul(this.#b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }
}

/** The n-th number of the splitmix32 sequence that begins at `seed`. */
function splitmix32(seed: number, n: number): number {
  let z = (seed + Math.imul(n, 0x9e3779b9)) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return z ^ (z >>> 16);
}

/**
 * An integer from 0 to `limit - 1`. The bias of the multiplication is below `limit / 2^32`.
 * @param limit 1 to 2^32
 */
export function uniform(random: Random, limit: number): number {
  return Math.floor((random.u32() / 0x100000000) * limit);
}

/** A number in [0, 1), a multiple of 2^-32. */
export function fraction(random: Random): number {
  return random.u32() / 0x100000000;
}

/** Overwrites every octet. */
export function fill(random: Random, octets: Uint8Array): void {
  let word = 0;
  for (let i = 0; i < octets.length; i++) {
    if ((i & 3) === 0) word = random.u32();
    octets[i] = word;
    word >>>= 8;
  }
}
