import type { CapturedOptions } from './capturedSegment.ts';

const END_OF_LIST = 0;
const NO_OPERATION = 1;
const MSS = 2;
const WINDOW_SCALE = 3;
const SACK_PERMITTED = 4;
const SACK = 5;
const TIMESTAMPS = 8;
const FAST_OPEN = 34;
/** Shared by experiments, which begin with a number of their own. @rfc 6994 3 */
const EXPERIMENT = 254;
/** Of Fast Open, before it had a kind. @rfc 7413 4.1.1 */
const FAST_OPEN_EXPERIMENT = 0xf989;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * The options from `from` to `to`, as recorded: no number is corrected. The walk ends at a length
 * that is below 2 or leaves the header. @rfc 9293 3.2
 */
export function parseOptions(view: DataView, from: number, to: number): CapturedOptions {
  const kinds: number[] = [];
  const into: Mutable<CapturedOptions> = {
    mss: null,
    windowShift: null,
    sackPermitted: false,
    timestamps: null,
    sackBlocks: [],
    fastOpenCookie: null,
    kinds,
  };
  for (let at = from; at < to; ) {
    const kind = view.getUint8(at);
    if (kind === END_OF_LIST || kind === NO_OPERATION) {
      kinds.push(kind);
      if (kind === END_OF_LIST) break;
      at++;
      continue;
    }
    const length = at + 1 < to ? view.getUint8(at + 1) : 0;
    if (length < 2 || at + length > to) break;
    kinds.push(kind);
    readOption(view, at, length, into);
    at += length;
  }
  return into;
}

/** @param length octets of the option at `at`, kind and length included */
function readOption(
  view: DataView,
  at: number,
  length: number,
  into: Mutable<CapturedOptions>,
): void {
  const kind = view.getUint8(at);
  if (kind === MSS && length === 4) into.mss = view.getUint16(at + 2);
  else if (kind === WINDOW_SCALE && length === 3) into.windowShift = view.getUint8(at + 2);
  else if (kind === SACK_PERMITTED && length === 2) into.sackPermitted = true;
  else if (kind === TIMESTAMPS && length === 10) {
    into.timestamps = { value: view.getUint32(at + 2), echo: view.getUint32(at + 6) };
  } else if (kind === SACK && length % 8 === 2) {
    into.sackBlocks = sackBlocks(view, at + 2, (length - 2) / 8);
  } else if (kind === FAST_OPEN) into.fastOpenCookie = copy(view, at + 2, length - 2);
  else if (kind === EXPERIMENT && length >= 4 && view.getUint16(at + 2) === FAST_OPEN_EXPERIMENT) {
    into.fastOpenCookie = copy(view, at + 4, length - 4);
  }
}

function sackBlocks(view: DataView, at: number, count: number): (readonly [number, number])[] {
  const blocks: (readonly [number, number])[] = [];
  for (let n = 0; n < count; n++) {
    blocks.push([view.getUint32(at + 8 * n), view.getUint32(at + 8 * n + 4)]);
  }
  return blocks;
}

function copy(view: DataView, at: number, length: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, length).slice();
}
