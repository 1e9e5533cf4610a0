import type { DropReason } from '../base/reasons.ts';
import type { State } from './states.ts';

/**
 * What TCP of a stack has done so far, in plain numbers that only grow; but `tcpCurrEstab` is how many
 * there are now. Those that begin with `tcp` are the objects of RFC 4022, the others have the names
 * of Linux's TcpExt, so that `nstat` of the peer can be laid beside them. All are made at once: to
 * count is one store.
 *
 * A discarded segment has a `DropReason` besides, which is counted where IP says what became of it.
 *
 * @rfc 4022 4
 */
export class TcpCounters {
  /** Ways from CLOSED to SYN-SENT. */
  tcpActiveOpens = 0;
  /** Ways from LISTEN to SYN-RECEIVED. */
  tcpPassiveOpens = 0;
  /** Ways from SYN-SENT or SYN-RECEIVED to CLOSED or LISTEN. */
  tcpAttemptFails = 0;
  /** Ways from ESTABLISHED or CLOSE-WAIT to CLOSED. */
  tcpEstabResets = 0;
  /** Connections in ESTABLISHED or CLOSE-WAIT now. */
  tcpCurrEstab = 0;
  /** Segments received, those in error included. */
  tcpInSegs = 0;
  /** Segments sent, those that only repeat octets not included. */
  tcpOutSegs = 0;
  /** Segments that repeat octets, SYN or FIN. */
  tcpRetransSegs = 0;
  tcpInErrs = 0;
  tcpInCsumErrors = 0;
  tcpOutRsts = 0;

  // ---- opening, and what is refused -----------------------------------------------------------
  /** A queue of a listener was full; SYNs and handshakes that a listener refused for any reason. */
  ListenOverflows = 0;
  ListenDrops = 0;
  /** SYN cookies sent; ACKs that were one; ACKs that were none when one was to be expected. */
  SyncookiesSent = 0;
  SyncookiesRecv = 0;
  SyncookiesFailed = 0;
  /** SYNs that found too many half-open connections, and got a cookie or nothing. */
  TCPReqQFullDoCookies = 0;
  TCPReqQFullDrop = 0;
  /** Fast Open of listeners: SYNs with a good cookie, a bad one, one of the key before. */
  TCPFastOpenPassive = 0;
  TCPFastOpenPassiveFail = 0;
  TCPFastOpenPassiveAltKey = 0;
  /** ... that asked for one; that found too many connections pending. */
  TCPFastOpenCookieReqd = 0;
  TCPFastOpenListenOverflow = 0;
  /** Fast Open of active opens: SYNs whose text was acknowledged; whose text was not, or that met a timeout. */
  TCPFastOpenActive = 0;
  TCPFastOpenActiveFail = 0;
  /** Times that Fast Open paused, since the network seems to swallow it. */
  TCPFastOpenBlackhole = 0;
  /** RSTs that ended a half-open connection. */
  EmbryonicRsts = 0;
  TCPSynRetrans = 0;
  PAWSActive = 0;
  PAWSEstab = 0;
  OutOfWindowIcmps = 0;
  TCPChallengeACK = 0;
  TCPSYNChallenge = 0;
  TCPACKSkippedSynRecv = 0;
  TCPACKSkippedPAWS = 0;
  TCPACKSkippedSeq = 0;
  TCPACKSkippedFinWait2 = 0;
  TCPACKSkippedTimeWait = 0;
  TCPACKSkippedChallenge = 0;

  // ---- loss recovery ----------------------------------------------------------------------------
  TCPTimeouts = 0;
  TCPLossProbes = 0;
  TCPLossProbeRecovery = 0;
  TCPFastRetrans = 0;
  TCPSlowStartRetrans = 0;
  TCPSackRecovery = 0;
  TCPRenoRecovery = 0;
  TCPSackRecoveryFail = 0;
  TCPRenoRecoveryFail = 0;
  TCPLossFailures = 0;
  TCPSackFailures = 0;
  TCPRenoFailures = 0;
  TCPSACKReneging = 0;
  TCPSpuriousRTOs = 0;
  TCPFullUndo = 0;
  TCPPartialUndo = 0;
  TCPDSACKUndo = 0;
  TCPLossUndo = 0;
  TCPDSACKRecv = 0;
  TCPDSACKOfoRecv = 0;
  TCPDSACKRecvSegs = 0;
  TCPDSACKIgnoredDubious = 0;
  TCPOrigDataSent = 0;
  /** Segments that the peer has got; by ACKs with ECE. */
  TCPDelivered = 0;
  TCPDeliveredCE = 0;

  // ---- receiving --------------------------------------------------------------------------------
  DelayedACKs = 0;
  DelayedACKLost = 0;
  TCPAckCompressed = 0;
  TCPDSACKOldSent = 0;
  TCPDSACKOfoSent = 0;
  TCPOFOQueue = 0;
  TCPOFODrop = 0;
  /** Text out of order was dropped for want of memory. */
  OfoPruned = 0;
  PruneCalled = 0;
  TCPRcvCollapsed = 0;
  /** Text in order was dropped for want of memory. */
  TCPRcvQDrop = 0;
  TCPZeroWindowDrop = 0;
  TCPFromZeroWindowAdv = 0;
  TCPToZeroWindowAdv = 0;
  TCPWantZeroWindowAdv = 0;

  // ---- probes, ends, limits -----------------------------------------------------------------------
  TCPKeepAlive = 0;
  TCPWinProbe = 0;
  TCPMTUPFail = 0;
  TCPMTUPSuccess = 0;
  TCPAbortOnTimeout = 0;
  TCPAbortOnData = 0;
  TCPAbortOnClose = 0;
  TCPAbortOnMemory = 0;
  TCPAbortOnLinger = 0;
  /** Connections in TIME-WAIT that ended when their time was over, or for a newer one. */
  TW = 0;
  TWRecycled = 0;
  TCPTimeWaitOverflow = 0;
  TCPMemoryPressures = 0;
}

/** A connection goes from state to state. @rfc 4022 4 */
export function countTransition(counters: TcpCounters, from: State, to: State): void {
  const wasOpen = from === 'ESTABLISHED' || from === 'CLOSE-WAIT';
  const isOpen = to === 'ESTABLISHED' || to === 'CLOSE-WAIT';
  if (isOpen && !wasOpen) counters.tcpCurrEstab++;
  if (wasOpen && !isOpen) counters.tcpCurrEstab--;
  if (to === 'SYN-SENT') counters.tcpActiveOpens++;
  if (from === 'LISTEN' && to === 'SYN-RECEIVED') counters.tcpPassiveOpens++;
  if (to !== 'CLOSED') return;
  if (wasOpen) counters.tcpEstabResets++;
  if (from === 'SYN-SENT' || from === 'SYN-RECEIVED') counters.tcpAttemptFails++;
}

/** A SYN, or the last segment of a handshake, comes to a listener that has no room for it. */
export function countRefusal(counters: TcpCounters, drop: DropReason): void {
  if (drop === 'accept-queue-full') counters.ListenOverflows++;
  counters.ListenDrops++;
}

/** The name of one counter. */
export type TcpCounterName = keyof TcpCounters;

/** The name that `nstat` has for a counter: `TcpActiveOpens`, `TcpExtTCPTimeouts`. */
export function nstatName(name: string): string {
  return name.startsWith('tcp') ? `T${name.slice(1)}` : `TcpExt${name}`;
}
