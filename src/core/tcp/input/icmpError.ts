import type { ConnectionErrorCode } from '../../base/errors.ts';
import type { TransportError, UnreachableKind } from '../../base/ports.ts';
import type { DropReason } from '../../base/reasons.ts';
import { add, type Seq, seq } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import { isSynTooLong } from '../send/fastOpenClient.ts';
import { isInFlight } from '../send/inFlight.ts';
import { closeTcb, Event, type Tcb } from '../tcb.ts';

/**
 * Was it a probe, which has the number before SND.UNA, and has nobody answered it yet? Linux drops
 * such news as out of the window (OutOfWindowIcmps), so its keepalive ends with ETIMEDOUT even if
 * every probe was answered by ICMP; here the user is told what is known.
 */
function isProbe(tcb: Tcb, quoted: Seq): boolean {
  return tcb.probesOut > 0 && quoted === add(tcb.snd.una, -1);
}

const CODES: Readonly<Record<UnreachableKind, ConnectionErrorCode>> = {
  'net-unreachable': 'ENETUNREACH',
  'host-unreachable': 'EHOSTUNREACH',
  'protocol-unreachable': 'ENOPROTOOPT',
  'port-unreachable': 'ECONNREFUSED',
  'fragmentation-needed': 'EMSGSIZE',
  'source-route-failed': 'EHOSTUNREACH',
  'admin-prohibited': 'EHOSTUNREACH',
  'time-exceeded': 'EHOSTUNREACH',
  'reassembly-timeout': 'EHOSTUNREACH',
  'parameter-problem': 'EPROTO',
};

/** What FreeBSD believes while a connection is being opened: nobody will ever answer (icmp_may_rst). */
const HARD: ReadonlySet<UnreachableKind> = new Set([
  'protocol-unreachable',
  'port-unreachable',
  'admin-prohibited',
  'time-exceeded',
]);

function hardCode(kind: UnreachableKind): ConnectionErrorCode {
  return kind === 'time-exceeded' ? 'EHOSTUNREACH' : 'ECONNREFUSED';
}

/**
 * Bad news about a segment of this connection. While it is being opened, it fails at once, since
 * nothing is lost by that (RFC 5461 4.1; Linux does so); later the news is kept, and told when the
 * connection fails for want of an answer.
 *
 * Deviates from RFC 9293 3.9.2.2 (hard errors SHOULD abort) as Linux and RFC 5927 5.2 do: ICMP is
 * easily forged, so no error ends a synchronized connection.
 *
 * @rfc 9293 3.9.2.2, 5927 4.1
 */
export function onIcmpError(tcb: Tcb, error: TransportError, now: Micros): DropReason | null {
  const quoted = seq(error.sequence);
  if (!isInFlight(tcb, quoted) && !isProbe(tcb, quoted)) {
    tcb.shared.counters.OutOfWindowIcmps++;
    return 'icmp-out-of-window';
  }
  if (error.kind === 'fragmentation-needed') {
    if (isSynTooLong(tcb)) tcb.synOwed = 'handshake-retransmission';
    else tcb.mtuFell = true;
    return null;
  }
  const { openingErrors, errorCodes } = tcb.config;
  const isOpening = tcb.state === 'SYN-SENT' || tcb.state === 'SYN-RECEIVED';
  const isHard = HARD.has(error.kind);
  const code = isHard && errorCodes === 'freebsd' ? hardCode(error.kind) : CODES[error.kind];
  if (!isOpening) {
    tcb.softError = code;
    tcb.events |= Event.SOFT_ERROR;
  } else if (openingErrors === 'all' || (openingErrors === 'hard' && isHard)) {
    closeTcb(tcb, code, now);
  }
  return null;
}
