import { createCipheriv, createHash } from 'node:crypto';
import { Readable } from 'node:stream';

/** Octets per chunk. */
const CHUNK = 64 * 1024;
const ZEROS = new Uint8Array(CHUNK);

/**
 * A stream of `count` octets that look random and are always the same ones: the key stream of
 * AES-128 in counter mode, whose key is derived from the seed.
 */
export function pseudoRandom(count: number, seed = 'glasstcp'): Readable {
  const key = createHash('sha256').update(seed).digest().subarray(0, 16);
  const cipher = createCipheriv('aes-128-ctr', key, new Uint8Array(16));
  let left = count;
  return new Readable({
    highWaterMark: CHUNK,
    read() {
      if (left === 0) {
        this.push(null);
        return;
      }
      const length = Math.min(left, CHUNK);
      left -= length;
      this.push(cipher.update(ZEROS.subarray(0, length)));
    },
  });
}

/** How many octets came, and their SHA-256 in hexadecimal. */
export interface Digest {
  readonly octets: number;
  readonly sha256: string;
}

/** Reads a stream to its end. */
export async function digestOf(stream: AsyncIterable<Uint8Array>): Promise<Digest> {
  const hash = createHash('sha256');
  let octets = 0;
  for await (const chunk of stream) {
    hash.update(chunk);
    octets += chunk.length;
  }
  return { octets, sha256: hash.digest('hex') };
}
