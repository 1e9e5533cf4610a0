/** A value at a time. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A curve, and the character that it is drawn with. */
export interface Curve {
  readonly mark: string;
  readonly points: readonly Point[];
}

export interface PlotSize {
  readonly width?: number;
  readonly height?: number;
}

/**
 * Draws curves as text: y upwards from 0, x from the first to the last value. Later curves lie above
 * earlier ones; what is not finite is left out.
 */
export function plot(curves: readonly Curve[], { width = 72, height = 16 }: PlotSize = {}): string {
  const all = curves.flatMap(({ points }) => points).filter(({ y }) => Number.isFinite(y));
  if (all.length === 0) return '(nothing to draw)';
  const xs = all.map(({ x }) => x);
  const left = xs.reduce((a, b) => Math.min(a, b));
  const right = xs.reduce((a, b) => Math.max(a, b));
  const top = all.reduce((most, { y }) => Math.max(most, y), 0);
  const rows = Array.from({ length: height }, () => Array.from({ length: width }, () => ' '));
  const scale = (value: number, most: number, steps: number): number =>
    most === 0 ? 0 : Math.round((value / most) * (steps - 1));
  for (const { mark, points } of curves) {
    for (const { x, y } of points) {
      if (!Number.isFinite(y)) continue;
      const row = rows[height - 1 - scale(y, top, height)];
      if (row !== undefined) row[scale(x - left, right - left, width)] = mark;
    }
  }
  const label = (i: number): string => (i === 0 ? String(top) : i === height - 1 ? '0' : '');
  const margin = String(top).length;
  const lines = rows.map((row, i) => `${label(i).padStart(margin)} |${row.join('').trimEnd()}`);
  const axis = `${' '.repeat(margin)} +${'-'.repeat(width)}`;
  const ends = `${' '.repeat(margin + 2)}${left}${String(right).padStart(width - String(left).length)}`;
  return [...lines, axis, ends].join('\n');
}
