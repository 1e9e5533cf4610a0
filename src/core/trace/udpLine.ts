import { holds, type Layer } from './layer.ts';
import type { Between } from './tcpLine.ts';

const HEADER_LENGTH = 8;

/** `10.107.0.1.40000 > 10.107.0.2.53: UDP, length 4` */
export function formatUdp(layer: Layer, { from, to }: Between): string {
  const { view, at } = layer;
  if (!holds(layer, HEADER_LENGTH)) return `${from} > ${to}: [|udp]`;
  const ports = `${from}.${view.getUint16(at)} > ${to}.${view.getUint16(at + 2)}:`;
  const length = view.getUint16(at + 4);
  const there = layer.end - at;
  if (length < HEADER_LENGTH) return `${ports} truncated-udplength ${length}`;
  if (length > there) {
    return `${ports} UDP, bad length ${length - HEADER_LENGTH} > ${there - HEADER_LENGTH}`;
  }
  return `${ports} UDP, length ${length - HEADER_LENGTH}`;
}
