import { isSyn } from './numbers.ts';
import type { Part } from './part.ts';

/** What is sent to a peer that announced no size: RFC 9293 3.7.1. */
const DEFAULT_MSS = 536;
const HEADERS = 40;
const LEAST = 48;
const TIMESTAMPS = 12;

/** Octets of text in a full segment of the end that is played, SACK blocks not counted. */
export function fullSegment(part: Part, mtu: number): number {
  const peer = part.events.flatMap((e) => (e.from === 'peer' ? [e.segment] : []));
  const own = part.events.flatMap((e) => (e.from === 'own' ? [e.segment] : []));
  const peerSyn = peer.find(isSyn);
  const stamps = own.some((s) => !isSyn(s) && s.options.timestamps !== null) ? TIMESTAMPS : 0;
  const announced = peerSyn === undefined ? mtu : (peerSyn.options.mss ?? DEFAULT_MSS);
  return Math.max(LEAST, Math.min(announced, mtu - HEADERS) - stamps);
}
