import type { CapturedSegment } from '../capture/capturedSegment.ts';
import type { TcpConfig } from '../tcp/config.ts';
import type { FastOpenServer } from '../tcp/fastOpenCache.ts';
import { hasAck, isSyn } from './numbers.ts';
import type { Part } from './part.ts';

/** Kind of the option in the format of before RFC 7413. */
const EXPERIMENT = 254;
/** Connections that a listener opens at once; a recording does not tell how many it would. */
const BACKLOG = 16;

/** What a recording tells of TCP Fast Open, which depends on what was before it. @rfc 7413 */
export interface RecordedFastOpen {
  /** The application asked for it, or the host knew the server well enough. */
  readonly isAsked: boolean;
  /** What the host knew of the server before; null: nothing. */
  readonly server: FastOpenServer | null;
  /** The cookie that the host gave, or took, as a server; null: none. */
  readonly given: Uint8Array | null;
  readonly config: Partial<TcpConfig>;
}

export function recordedFastOpen(part: Part): RecordedFastOpen {
  const own = synOf(part, 'own');
  const peer = synOf(part, 'peer');
  if (own === null || peer === null) return NOTHING;
  return hasAck(own) ? ofServer(own, peer) : ofClient(own, peer);
}

const NOTHING: RecordedFastOpen = { isAsked: false, server: null, given: null, config: {} };

function synOf({ events }: Part, from: 'own' | 'peer'): CapturedSegment | null {
  for (const event of events) {
    if (event.from === from && isSyn(event.segment)) return event.segment;
  }
  return null;
}

function ofServer(
  own: CapturedSegment,
  { length, seq, options }: CapturedSegment,
): RecordedFastOpen {
  const isTaken = length > 0 && own.ack === (seq + 1 + length) >>> 0;
  const asked = options.fastOpenCookie;
  const given = own.options.fastOpenCookie ?? (isTaken ? asked : null);
  const isOpen = isTaken || (given !== null && given.length > 0);
  if (!isOpen) return NOTHING;
  const config = {
    fastOpenServer: true,
    fastOpenBacklog: BACKLOG,
    fastOpenNoCookie: isTaken && (asked === null || asked.length === 0),
  };
  return { ...NOTHING, given, config };
}

function ofClient(own: CapturedSegment, peer: CapturedSegment): RecordedFastOpen {
  const { options, length } = own;
  const cookie = options.fastOpenCookie;
  const isExperiment = options.kinds.includes(EXPERIMENT);
  const server = { mss: peer.options.mss ?? 0, cookie: cookie ?? new Uint8Array(0) };
  const isRequest = cookie !== null && cookie.length === 0;
  return {
    isAsked: cookie !== null || length > 0,
    server: { ...server, isExperiment, vain: isRequest && isExperiment ? 1 : 0 },
    given: null,
    config: { fastOpenClientNoCookie: length > 0 && cookie === null },
  };
}
