import { add } from '../base/seq.ts';
import { parseQuoted } from '../capture/capturedDatagram.ts';
import type { CapturedSegment } from '../capture/capturedSegment.ts';
import { Conversations } from '../trace/conversations.ts';
import { formatTcp } from '../trace/tcpLine.ts';
import { Flag } from '../wire/tcp.ts';
import { isReset, isSyn } from './numbers.ts';
import type { Part } from './part.ts';

const LETTERS = [
  [Flag.FIN, 'F'],
  [Flag.SYN, 'S'],
  [Flag.RST, 'R'],
  [Flag.PSH, 'P'],
  [Flag.ACK, '.'],
  [Flag.URG, 'U'],
  [Flag.ECE, 'E'],
  [Flag.CWR, 'W'],
] as const;

/** A segment in tcpdump's notation, with the addresses that it was recorded with. */
export function formatSegment(segment: CapturedSegment, conversations: Conversations): string {
  const { datagram, source, destination, ipVersion } = segment;
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.length);
  const at = parseQuoted(view, 0)?.transport ?? 0;
  const header = at + 12 < datagram.length ? (view.getUint8(at + 12) >>> 4) * 4 : 0;
  const layer = { view, at, kept: datagram.length, end: at + header + segment.length };
  const between = { from: source, to: destination };
  return `IP${ipVersion === 6 ? '6' : ''} ${formatTcp(layer, between, conversations)}`;
}

/** For {@link formatSegment}: all numbers of a recording are counted from both ISSs. */
export function countedFrom({ own, peer, iss, irs }: Part): Conversations {
  const conversations = new Conversations();
  const ends = {
    source: own.address,
    sourcePort: own.port,
    destination: peer.address,
    destinationPort: peer.port,
  };
  conversations.basesOf(ends, iss, add(irs, 1), true);
  return conversations;
}

/** A segment in a few words, counted from both ISSs: `[P.] 1:101 ack 1 win 502`. */
export function shortly(segment: CapturedSegment, part: Part, isOwn: boolean): string {
  const { seq, ack, flags, length, window, options } = segment;
  const [own, peer] = isOwn ? [part.iss, part.irs] : [part.irs, part.iss];
  let letters = '';
  for (const [bit, letter] of LETTERS) if ((flags & bit) !== 0) letters += letter;
  const from = (seq - own) >>> 0;
  const hasNumber = length > 0 || isSyn(segment) || isReset(segment) || (flags & Flag.FIN) !== 0;
  const number = length > 0 ? ` ${from}:${from + length}` : hasNumber ? ` ${from}` : '';
  const acknowledges = (flags & Flag.ACK) !== 0 ? ` ack ${(ack - peer) >>> 0}` : '';
  const blocks = options.sackBlocks.map(([l, r]) => `${(l - peer) >>> 0}:${(r - peer) >>> 0}`);
  const sack = blocks.length > 0 ? ` sack ${blocks.join(' ')}` : '';
  return `[${letters}]${number}${acknowledges} win ${window}${sack}`;
}
