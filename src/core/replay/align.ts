/**
 * Which of our segments stands for which recorded one. The order of both is kept, and the sum of
 * the scores of all pairs is as large as it can be: the classic alignment of two sequences.
 *
 * Long ones are aligned piece by piece, so time and memory grow with their length alone.
 */

/** How well one of ours stands for a recorded one; 0: not at all. */
export type Score = (recorded: number, ours: number) => number;

/** So many of each are looked at together, and of the recorded ones so many are then settled. */
const WINDOW = 400;
const STEP = 200;

/** From the best pairs backwards. */
const PAIR = 1;
const SKIP_RECORDED = 2;
const SKIP_OURS = 3;

/** @returns for each recorded one the index of ours that stands for it, -1 for none */
export function align(recorded: number, ours: number, score: Score): Int32Array {
  const matches = new Int32Array(recorded).fill(-1);
  let r = 0;
  let o = 0;
  while (r < recorded && o < ours) {
    const rows = Math.min(WINDOW, recorded - r);
    const columns = Math.min(WINDOW, ours - o);
    const isLast = rows === recorded - r && columns === ours - o;
    const found = alignWindow(r, rows, o, columns, score);
    const settled = isLast ? rows : Math.min(rows, STEP);
    let next = o;
    for (let i = 0; i < settled; i++) {
      const match = found[i] ?? -1;
      matches[r + i] = match;
      if (match >= 0) next = match + 1;
    }
    r += settled;
    // without any pair, ours of this window stand for nothing recorded here
    o = next === o && !isLast && columns === WINDOW ? o + STEP : next;
  }
  return matches;
}

function alignWindow(
  firstRecorded: number,
  rows: number,
  firstOurs: number,
  columns: number,
  score: Score,
): Int32Array {
  const ways = new Uint8Array((rows + 1) * (columns + 1));
  let above = new Float64Array(columns + 1);
  let current = new Float64Array(columns + 1);
  for (let i = 1; i <= rows; i++) {
    for (let j = 1; j <= columns; j++) {
      const pair = score(firstRecorded + i - 1, firstOurs + j - 1);
      const paired = pair > 0 ? (above[j - 1] ?? 0) + pair : -1;
      const up = above[j] ?? 0;
      const left = current[j - 1] ?? 0;
      let best = up;
      let way = SKIP_RECORDED;
      if (left > best) {
        best = left;
        way = SKIP_OURS;
      }
      if (paired > best) {
        best = paired;
        way = PAIR;
      }
      current[j] = best;
      ways[i * (columns + 1) + j] = way;
    }
    [above, current] = [current, above];
    current[0] = 0;
  }
  return trace(ways, rows, columns, firstOurs);
}

/** Goes back from the end to the beginning, the best way. */
function trace(ways: Uint8Array, rows: number, columns: number, firstOurs: number): Int32Array {
  const found = new Int32Array(rows).fill(-1);
  for (let i = rows, j = columns; i > 0 && j > 0; ) {
    const way = ways[i * (columns + 1) + j];
    if (way === PAIR) {
      found[i - 1] = firstOurs + j - 1;
      i--;
      j--;
    } else if (way === SKIP_OURS) j--;
    else i--;
  }
  return found;
}
