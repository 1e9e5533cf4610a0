import { diff, type Seq } from '../base/seq.ts';
import { textStart } from './numbers.ts';
import type { Part } from './part.ts';

/** Most octets of text that are kept. */
const MAX_TEXT = 128 * 1024 * 1024;
/** Text this far from the first octet belongs to another conversation, or to nobody. */
const MAX_DISTANCE = 2 ** 30;

/**
 * The text that the end which is played has sent in the recording, from its first octet on: the
 * application of the replay writes it again. Zeros stand for what was not recorded.
 */
export class OwnText {
  readonly #octets: Uint8Array;
  /** Octets up to the last one that was sent. */
  readonly length: number;

  constructor(part: Part) {
    const first = (part.iss + 1) >>> 0;
    const pieces: { readonly at: number; readonly text: Uint8Array }[] = [];
    let length = 0;
    for (const event of part.events) {
      if (event.from !== 'own' || event.segment.length === 0) continue;
      const { segment } = event;
      const at = diff(textStart(segment), first as Seq);
      // a keepalive probe repeats the octet in front of the first one
      if (at < 0 || at > MAX_DISTANCE) continue;
      pieces.push({ at, text: segment.text });
      length = Math.max(length, at + segment.length);
    }
    this.length = length;
    this.#octets = new Uint8Array(Math.min(length, MAX_TEXT));
    // what was sent first stands: a probe may carry anything
    for (const { at, text } of pieces.reverse()) {
      const room = Math.max(0, this.#octets.length - at);
      if (room > 0) this.#octets.set(text.subarray(0, room), at);
    }
  }

  /** `count` octets from the one numbered `from` on, 0 being the first. */
  octets(from: number, count: number): Uint8Array {
    const octets = new Uint8Array(count);
    if (from < this.#octets.length) octets.set(this.#octets.subarray(from, from + count));
    return octets;
  }
}
