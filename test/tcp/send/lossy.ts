import type { ExecutionContext } from 'ava';
import { type Micros, MS } from '../../../src/core/base/time.ts';
import type { TcpConfig } from '../../../src/core/tcp/config.ts';
import type { TcpInfo } from '../../../src/core/tcp/info.ts';
import { listening, pattern, type Transcript, type Written } from '../../harness/transcript.ts';

export const MSS = 1460;

/** What a test wants to be other than usual. */
export interface LossyOptions {
  readonly config?: Partial<TcpConfig>;
  readonly syn?: Written;
  /** Time between our SYN-ACK and its ACK, which is the first measurement. */
  readonly rtt?: Micros;
}

/** A connection with SACK and Reno, opened by the peer, whose round-trip time is 100 ms. */
export function lossy(t: ExecutionContext, options: LossyOptions = {}): Transcript {
  const { config = {}, syn = {}, rtt = 100 * MS } = options;
  const c = listening(t, { config: { congestionControl: 'reno', ...config } });
  c.receives({ flags: 'S', mss: MSS, sackPermitted: true, ...syn });
  const { tsVal } = c.takeSent();
  const ts = syn.tsVal === undefined ? {} : { tsVal: syn.tsVal + 1, tsEcr: tsVal };
  c.passes(rtt).receives({ flags: '.', seq: 1, ack: 1, ...ts });
  c.connection = c.listener?.accept() ?? null;
  return c.is('ESTABLISHED').mark();
}

/** The user writes `count` full segments, of which the first ten go out at once. */
export function writes(c: Transcript, count: number): void {
  const from = c.established.tcb.sendBuffer.length;
  c.user((user) => user.send(pattern(from, count * MSS)));
}

/** Number of the first octet of segment `i`, counted from 1. */
export function at(i: number): number {
  return 1 + (i - 1) * MSS;
}

/** A block of segments `first` to `last`. */
export function block(first: number, last = first): readonly [number, number] {
  return [at(first), at(last + 1)];
}

/** An ACK of the segments before `next`, with the blocks. */
export function sacks(
  c: Transcript,
  next: number,
  ...blocks: (readonly [number, number])[]
): Transcript {
  return c.receives({ seq: 1, ack: at(next), ...(blocks.length > 0 && { sack: blocks }) });
}

/** Expects the segments of these numbers to be sent for this reason. */
export function resends(
  c: Transcript,
  reason: 'rack-retransmission' | 'loss-retransmission',
  ...is: number[]
): void {
  for (const i of is) c.sends({ seq: at(i), len: MSS, reason });
}

export function info(c: Transcript): TcpInfo {
  return c.established.status(c.now);
}

/** State, reported, lost, sent again. */
export function counts(c: Transcript): readonly [string, number, number, number] {
  const { caState, sacked, lost, retrans } = info(c);
  return [caState, sacked, lost, retrans];
}

/** cwnd and ssthresh in segments. */
export function windows(c: Transcript): readonly [number, number] {
  const { sndCwnd, sndSsthresh } = info(c);
  return [sndCwnd, sndSsthresh];
}
