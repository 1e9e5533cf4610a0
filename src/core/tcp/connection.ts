import type { ConnectionErrorCode } from '../base/errors.ts';
import { StackError } from '../base/errors.ts';
import type { TransportError } from '../base/ports.ts';
import type { DropReason } from '../base/reasons.ts';
import { diff } from '../base/seq.ts';
import type { Micros } from '../base/time.ts';
import { TimerEntry, type TimerTarget } from '../base/timerQueue.ts';
import type { Segment } from '../wire/tcp.ts';
import { configure, type TcpConfig } from './config.ts';
import { successor } from './congestion/controllers.ts';
import { type TcpInfo, tcpInfo } from './info.ts';
import { onIcmpError } from './input/icmpError.ts';
import { segmentArrives } from './input/segmentArrives.ts';
import type { Listener } from './listen/listener.ts';
import { becomeOrphan } from './orphans.ts';
import { lockReceiveBuffer } from './receive/bufferTuning.ts';
import { chargeBuffers } from './receive/memoryLimit.ts';
import { onUrgentRead, urgentLeft } from './receive/urgent.ts';
import { checkAppLimited } from './send/deliveryRate.ts';
import { sendSynNow } from './send/fastOpenClient.ts';
import { armKeepAlive, switchKeepAlive } from './send/keepAlive.ts';
import { output } from './send/output.ts';
import { beginPace, boundPace } from './send/pacing.ts';
import type { SegmentWriter } from './send/segmentWriter.ts';
import { situation } from './send/situation.ts';
import { roomToWrite, tellOfRoom } from './send/writable.ts';
import { mayReceive, maySend, type State } from './states.ts';
import { closeTcb, oweAck, type Tcb, Timer, transition, unsentText } from './tcb.ts';
import { earliestDeadline, onDeadline } from './timers.ts';

/** How text is sent: Linux's flags of send(). */
export interface SendOptions {
  /** More will be written at once: what does not fill a segment waits for it (MSG_MORE). */
  readonly more?: boolean;
  /** The last octet is the end of urgent text (MSG_OOB). @rfc 9293 3.8.5 */
  readonly urgent?: boolean;
  /** The last octet is the end of a record: what is written later goes in other segments (MSG_EOR). */
  readonly record?: boolean;
}

/** Who is told that a connection has something to do in the next turn. */
export interface ConnectionOwner {
  touch(connection: Connection): void;
}

/**
 * A connection as its user holds it. Four kinds of methods, in this order: *commands* of the user
 * (they change state, and ask for a turn), *events in* from the network and the clock, *effects out*
 * that a turn takes, and getters. Commands never send: the turn does.
 *
 * @rfc 9293 3.9.1
 */
export class Connection implements TimerTarget {
  readonly tcb: Tcb;
  /** Not null: opened passively, and not yet accepted. */
  listener: Listener<Connection> | null;
  /** The one queue entry for all its timers. */
  readonly timer: TimerEntry;
  /**
   * Counts among the half-open ones of its listener: as young until its SYN-ACK is repeated. Kept by
   * the owner.
   */
  halfOpen: 'no' | 'young' | 'old' = 'no';
  /** Counts among those of its listener that Fast Open has opened. Kept by the owner. */
  fastOpen = false;
  /** Waits for a turn. Kept by the owner. */
  dirty = false;
  /** The next connection in the same place of the table of connections. */
  nextInTable: Connection | null = null;
  /**
   * Told, between turns, that bits of {@link Event} have been set. They are a hint to look: what
   * counts is {@link readable}, {@link writable}, {@link ended} and {@link state}.
   */
  onEvents: ((events: number) => void) | null = null;
  /** Bits of {@link Event} that the user does not want to be told of. @rfc 9293 3.9.1.8 SHLD-20 */
  muted = 0;
  readonly #owner: ConnectionOwner;

  constructor(tcb: Tcb, listener: Listener<Connection> | null, owner: ConnectionOwner) {
    this.tcb = tcb;
    this.listener = listener;
    this.timer = new TimerEntry(this);
    this.#owner = owner;
  }

  // ---- commands -----------------------------------------------------------------------------

  /**
   * SEND: queues what fits into the send buffer. If that is less than `count`, {@link Event.WRITABLE}
   * follows when there is room again.
   *
   * @returns octets taken, 0 to `count`
   * @throws StackError EPIPE after {@link close}, or the error that ended the connection
   * @rfc 9293 3.10.2
   */
  send(
    source: Uint8Array,
    from = 0,
    count = source.length - from,
    { more = false, urgent = false, record = false }: SendOptions = {},
  ): number {
    const { tcb } = this;
    if (tcb.state === 'CLOSED' && tcb.error !== null) {
      throw new StackError(tcb.error, 'the connection has failed');
    }
    const open = maySend(tcb.state) || tcb.state === 'SYN-SENT' || tcb.state === 'SYN-RECEIVED';
    if (!open || tcb.sendClosed) throw new StackError('EPIPE', 'the send side is closed');
    if (tcb.fastOpen.wish === 'wait') this.openNow();
    checkAppLimited(tcb);
    const taken = tcb.sendBuffer.write(source, from, Math.min(count, roomToWrite(tcb)));
    if (taken < count) tcb.writeBlocked = true;
    if (taken > 0) {
      const { end } = tcb.sendBuffer;
      const isWhole = taken === count;
      chargeBuffers(tcb);
      tcb.writeQueue.write(end, { more: more && isWhole, urgent, record: record && isWhole });
      if (urgent) tcb.snd.up = end;
      this.#owner.touch(this);
    }
    return taken;
  }

  /**
   * RECEIVE: moves up to `count` octets of text to the user. 0 means nothing is there now, or, when
   * {@link ended}, that nothing will come.
   *
   * @rfc 9293 3.10.3
   */
  receive(into: Uint8Array, at = 0, count = into.length - at): number {
    const octets = this.tcb.receiveBuffer.read(into, at, count);
    if (octets > 0) {
      this.tcb.userRead = true;
      chargeBuffers(this.tcb);
      onUrgentRead(this.tcb);
      this.#owner.touch(this);
    }
    return octets;
  }

  /** The SYN that waits for the text to take along goes with the next turn, with what there is. @rfc 7413 4.2.1 */
  openNow(): void {
    sendSynNow(this.tcb);
    this.#owner.touch(this);
  }

  /** CLOSE: "I have no more data to send". Receiving goes on. Twice is the same as once. @rfc 9293 3.10.4 */
  close(now: Micros): void {
    const { tcb } = this;
    if (tcb.sendClosed || tcb.state === 'CLOSED') return;
    tcb.sendClosed = true;
    sendSynNow(tcb);
    const isOpen = tcb.state === 'ESTABLISHED' || tcb.fastOpen.pending;
    if (isOpen) transition(tcb, 'FIN-WAIT-1', now);
    else if (tcb.state === 'CLOSE-WAIT') transition(tcb, 'LAST-ACK', now);
    this.#owner.touch(this);
  }

  /**
   * The user wants no more text, as POSIX shutdown(SHUT_RD) says. What arrives is received all the same;
   * only when the send side is closed as well it makes the connection a RST, as in Linux.
   */
  shutRead(): void {
    this.tcb.readShut = true;
  }

  /**
   * Whether ACKs go out at once, what waits included, or wait for an answer of the user: until the
   * connection finds out otherwise (Linux: TCP_QUICKACK).
   */
  quickAck(on: boolean): void {
    const { ack, receiveBuffer } = this.tcb;
    ack.interactive = !on;
    // as Linux (tcp_cleanup_rbuf): what was not read may still be answered
    if (!on || !ack.scheduled || receiveBuffer.length > 0) return;
    oweAck(this.tcb, 'ack-now');
    this.#owner.touch(this);
  }

  /** ABORT: a RST to the peer, and what is queued is lost. @rfc 9293 3.10.5 */
  abort(now: Micros): void {
    this.#reset('reset-abort', now);
  }

  /**
   * The user leaves for good, as POSIX close() does: what is queued is still sent, but nothing will
   * be read. Text that arrived and was not read, or arrives later, makes it a RST.
   *
   * @rfc 9293 3.6.1 SHLD-3
   */
  release(now: Micros): void {
    const { tcb } = this;
    if (tcb.receiveClosed) return;
    tcb.receiveClosed = true;
    const unread = tcb.receiveBuffer.length;
    tcb.receiveBuffer.release();
    if (tcb.state === 'SYN-SENT') {
      closeTcb(tcb, null, now);
      this.#owner.touch(this);
    } else if (unread > 0 && tcb.config.resetUnread && tcb.state !== 'TIME-WAIT') {
      tcb.shared.counters.TCPAbortOnClose++;
      this.#reset('reset-unread-data', now);
    } else {
      this.close(now);
      becomeOrphan(tcb, now);
      if (tcb.state === 'FIN-WAIT-2') tcb.deadlines[Timer.TIME_WAIT] = now + tcb.config.finWait2;
      this.#owner.touch(this);
    }
  }

  /**
   * Changes settings that can change while a connection lives: `noDelay`, `cork`,
   * `notSentLowWater`, `receiveBuffer`, `userTimeout`, `delayedAck`, `congestionControl`, `pacing`,
   * `maxPacingRate`, `ttl`, `trafficClass` and those of keepalive.
   *
   * @throws RangeError if a value is out of its range
   */
  configure(changes: Partial<TcpConfig>, now: Micros): void {
    const { tcb } = this;
    const wasOn = tcb.config.keepAlive;
    tcb.config = configure(tcb.config, changes);
    tcb.flow.ttl = tcb.config.ttl;
    tcb.flow.trafficClass = tcb.config.trafficClass;
    const { congestionControl } = tcb.config;
    if (congestionControl !== tcb.congestion.name) {
      tcb.congestion = successor(
        tcb.config,
        tcb.congestion,
        tcb.shared.random,
        situation(tcb, now),
      );
      beginPace(tcb);
    }
    if (changes.maxPacingRate !== undefined) boundPace(tcb);
    if (changes.noDelay === true) tcb.snd.pushTo = tcb.sendBuffer.end;
    if (changes.ttl !== undefined) tcb.flow.ttl = changes.ttl;
    if (changes.trafficClass !== undefined) tcb.flow.trafficClass = changes.trafficClass;
    if (tcb.config.keepAlive !== wasOn) switchKeepAlive(tcb, now);
    if (changes.keepAliveIdle !== undefined) armKeepAlive(tcb, now);
    if (changes.notSentLowWater !== undefined) tellOfRoom(tcb);
    if (changes.receiveBuffer !== undefined) lockReceiveBuffer(tcb, changes.receiveBuffer);
    this.#owner.touch(this);
  }

  // ---- events in ----------------------------------------------------------------------------

  /** SEGMENT ARRIVES. @param octets where its text lies @rfc 9293 3.10.7 */
  segmentArrives(seg: Segment, octets: Uint8Array, now: Micros): DropReason | null {
    const drop = segmentArrives(this.tcb, seg, octets, now);
    if (drop === null) this.tcb.heardAt = now;
    chargeBuffers(this.tcb);
    this.#owner.touch(this);
    return drop;
  }

  onIcmpError(error: TransportError, now: Micros): DropReason | null {
    const drop = onIcmpError(this.tcb, error, now);
    this.#owner.touch(this);
    return drop;
  }

  /** Its queue entry is due; the timer that it was made for may have moved to later since. */
  onDeadline(now: Micros): void {
    onDeadline(this.tcb, now);
    this.#owner.touch(this);
  }

  // ---- effects out --------------------------------------------------------------------------

  output(now: Micros, writer: SegmentWriter): void {
    output(this.tcb, now, writer);
    chargeBuffers(this.tcb);
  }

  /** Bits of {@link Event} since they were taken last. */
  takeEvents(): number {
    const { events } = this.tcb;
    this.tcb.events = 0;
    return events & ~this.muted;
  }

  nextDeadline(): Micros {
    return earliestDeadline(this.tcb);
  }

  // ---- getters ------------------------------------------------------------------------------

  get state(): State {
    return this.tcb.state;
  }

  /** STATUS: what can be seen of it now. @rfc 9293 3.10.6 */
  status(now: Micros): TcpInfo {
    return tcpInfo(this.tcb, now);
  }

  /** Why it failed; null: it has not. */
  get error(): ConnectionErrorCode | null {
    return this.tcb.error;
  }

  /**
   * What ICMP said that did not end the connection; null: nothing since the peer was heard last.
   * @rfc 9293 3.9.2.2 SHLD-25
   */
  get softError(): ConnectionErrorCode | null {
    return this.tcb.softError;
  }

  /** Octets up to the end of urgent text that were not read yet; 0: nothing is urgent. @rfc 9293 3.8.5 MUST-33 */
  get urgent(): number {
    return urgentLeft(this.tcb);
  }

  /** Octets that {@link receive} would give now. */
  get readable(): number {
    return this.tcb.receiveBuffer.length;
  }

  /** Octets that {@link send} would take now. */
  get writable(): number {
    return this.tcb.sendClosed ? 0 : roomToWrite(this.tcb);
  }

  /** Octets sent or to be sent that the peer has not acknowledged; the FIN counts as one. */
  get unacknowledged(): number {
    const { snd, finSent } = this.tcb;
    return Math.max(0, diff(this.tcb.sendBuffer.end, snd.una) + (finSent ? 1 : 0));
  }

  /** Octets that were not sent yet. */
  get unsent(): number {
    return unsentText(this.tcb);
  }

  /** No text will come any more: the FIN of the peer has arrived, or the connection is over. */
  get ended(): boolean {
    const { state } = this.tcb;
    return !mayReceive(state) && state !== 'SYN-SENT' && state !== 'SYN-RECEIVED';
  }

  #reset(reason: 'reset-abort' | 'reset-unread-data', now: Micros): void {
    const { tcb } = this;
    if (tcb.state === 'CLOSED') return;
    tcb.receiveClosed = true;
    // "If the state is SYN-SENT ... delete the TCB": nobody knows of it yet.
    if (tcb.state !== 'SYN-SENT' && tcb.state !== 'TIME-WAIT') tcb.resetOwed = reason;
    closeTcb(tcb, reason === 'reset-abort' ? 'ECONNABORTED' : null, now);
    this.#owner.touch(this);
  }
}
