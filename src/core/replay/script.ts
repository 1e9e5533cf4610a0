import { type Micros, SECOND } from '../base/time.ts';
import { configure, DEFAULT_CONFIG, type TcpConfig } from '../tcp/config.ts';
import type { TimedCall } from './application.ts';
import { fullSegment } from './fullSegment.ts';
import { GUESS, type Guess } from './guess.ts';
import { inferApplication } from './inferCalls.ts';
import type { Inferred } from './inferred.ts';
import { type Part, sidecarEnd } from './part.ts';
import { configOf, madeUpSynAck, mtuOf } from './profile.ts';
import { ORIGIN } from './recording.ts';
import type { ApplicationCall, Sidecar } from './sidecar.ts';
import { timestampOffset } from './timestamps.ts';

/** All that our stack is told before it plays a part. */
export interface Script {
  /** From a sidecar, or read off the recording. */
  readonly source: 'sidecar' | 'inferred';
  readonly calls: readonly TimedCall[];
  /** The same, in the terms of a sidecar. */
  readonly written: readonly ApplicationCall[];
  readonly config: Partial<TcpConfig>;
  /** Of the device, as IPv4 needs it. */
  readonly mtu: number;
  readonly timestampOffset: number;
  /** The SYN-ACK for a recording that begins midway. */
  readonly madeUp: { readonly window: number; readonly options: Uint8Array };
}

/** @param incarnation which conversation of the same two sockets it is, the first being 0 */
export function scriptOf(
  part: Part,
  sidecar: Sidecar | null,
  incarnation: number,
  guess: Guess = GUESS,
): Script {
  const end = sidecarEnd(part, sidecar);
  const common = {
    mtu: mtuOf(part, end),
    timestampOffset: timestampOffset(part),
    madeUp: madeUpSynAck(part),
  };
  const config = configOf(part, sidecar);
  if (end !== null && end.calls.length > 0) {
    const written = callsOf(end.calls, incarnation);
    const calls = written.map((call) => timed(part, call));
    return { ...common, source: 'sidecar', calls, written, config: settable(config) };
  }
  const full = fullSegment(part, common.mtu);
  const { calls, probeOctets } = inferApplication(part, full, guess);
  const timedCalls = calls.map((inferred) => timedInferred(part, inferred));
  return {
    ...common,
    source: 'inferred',
    calls: timedCalls,
    written: timedCalls.map(({ call }) => call),
    config: settable({
      ...config,
      ...guessed(sidecar, guess),
      keepAliveProbeOctets: probeOctets,
    }),
  };
}

/** A sidecar says on which link it was, and what was set there. */
function guessed(sidecar: Sidecar | null, guess: Guess): Partial<TcpConfig> {
  const { layout, compressedAcks, earlyRetransmit, congestionControl } = guess;
  if (sidecar !== null) return { congestionControl };
  return { segmentLayout: layout, compressedAcks, earlyRetransmit, congestionControl };
}

/**
 * The clock of the applications is that of the capture, but what happens at the played end happens
 * in a replay half the way to the capture and back earlier: see {@link Part}.
 */
function timed(part: Part, call: ApplicationCall): TimedCall {
  const toTime = (seconds: number): Micros => ORIGIN + Math.round(seconds * SECOND - part.lag / 2);
  return { at: toTime(call.at), until: toTime(call.until ?? call.at), call };
}

function timedInferred(part: Part, { at, since = at, act }: Inferred): TimedCall {
  const until = since < at ? { until: toSeconds(part, at) } : {};
  return { at: since, until: at, call: { at: toSeconds(part, since), ...until, ...act } };
}

function toSeconds(part: Part, at: Micros): number {
  return Math.round(at - ORIGIN + part.lag / 2) / SECOND;
}

/** Of an application that connected or accepted several times, the calls of one connection. */
function callsOf(calls: readonly ApplicationCall[], incarnation: number): ApplicationCall[] {
  const mine: ApplicationCall[] = [];
  let current = 0;
  let begun = false;
  for (const call of [...calls].sort((a, b) => a.at - b.at)) {
    const begins = call.call === 'connect' || call.call === 'accept';
    if (begins && begun) current++;
    if (begins) begun = true;
    if (current === incarnation || call.call === 'listen') mine.push(call);
  }
  return mine;
}

/** Without settings that this stack cannot have: they came from a file. */
function settable(changes: Partial<TcpConfig>): Partial<TcpConfig> {
  return Object.fromEntries(
    Object.entries(changes).filter(([name, value]) => {
      try {
        configure(DEFAULT_CONFIG, { [name]: value });
        return true;
      } catch {
        return false;
      }
    }),
  );
}
