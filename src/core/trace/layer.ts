/**
 * The octets of one layer of a frame, of which a capture may have kept only a part:
 *
 * ```
 *   view  |  ...  | header, payload          :  cut off   |
 *                 ^ at                       ^ kept       ^ end
 * ```
 */
export interface Layer {
  readonly view: DataView;
  /** Where it begins. */
  readonly at: number;
  /** Behind the last octet that is there; everything before may be read. */
  readonly kept: number;
  /** Behind the last octet that the layer below says there is. */
  readonly end: number;
}

/** Are the first `length` octets of it there? */
export function holds(layer: Layer, length: number): boolean {
  return layer.at + length <= layer.kept;
}

/** What the layer carries behind a header of `length` octets. */
export function behind(layer: Layer, length: number): Layer {
  return { view: layer.view, at: layer.at + length, kept: layer.kept, end: layer.end };
}

/** The octets from `at` to `end` in hexadecimal, without spaces. */
export function hex(view: DataView, at: number, end: number): string {
  let text = '';
  for (let i = at; i < end; i++) text += view.getUint8(i).toString(16).padStart(2, '0');
  return text;
}
