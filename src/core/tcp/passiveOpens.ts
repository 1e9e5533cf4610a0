import { fill, type Random } from '../base/random.ts';
import type { DropReason } from '../base/reasons.ts';
import { add, type Seq } from '../base/seq.ts';
import type { Micros } from '../base/time.ts';
import { Flag, Segment } from '../wire/tcp.ts';
import type { Connection } from './connection.ts';
import { countRefusal, type TcpCounters } from './counters.ts';
import { answerEcn } from './input/ecnSetup.ts';
import { beginControl, onEstablished, onOpen, prepareAnswer, takeSyn } from './input/handshake.ts';
import { FastOpens } from './listen/fastOpens.ts';
import { type InitialNumbers, SECRET_LENGTH } from './listen/isn.ts';
import type { Listener } from './listen/listener.ts';
import { COOKIE_LIFE, rebuildSyn, SynCookies, setBack } from './listen/synCookies.ts';
import { onText } from './receive/receiver.ts';
import { output } from './send/output.ts';
import type { SegmentWriter } from './send/segmentWriter.ts';
import { setWindow } from './send/sender.ts';
import { closeTcb, type Tcb, transition } from './tcb.ts';

/** Answers with a cookie that can wait for the end of a turn: no more segments arrive in one. */
const MAX_OWED = 256;

/** Both ends of a connection. */
export type Pair = Pick<Tcb, 'localAddress' | 'localPort' | 'remoteAddress' | 'remotePort'>;

/** How a connection begins. */
export interface Beginning {
  readonly pair: Pair;
  readonly listener: Listener<Connection>;
  /** Null: what the generator says. */
  readonly iss: Seq | null;
  /** Not before this number; null: any. */
  readonly leastIss: Seq | null;
}

/** What is special about an answer to a SYN. */
interface Answer {
  readonly leastIss?: Seq | null;
  /** That goes with it; null: none. */
  readonly cookie?: Uint8Array | null;
}

/** What passive opens need of TCP. */
export interface PassiveHost {
  /** A connection that is in no table yet; null: no route leads to the peer. */
  create(beginning: Beginning, now: Micros): Connection | null;
  /** Puts it into the table, and asks for a turn. @returns false: the stack is full */
  admit(connection: Connection): boolean;
}

/** What the stack is like. */
export interface PassiveOptions {
  readonly random: Random;
  readonly maxConnections: number;
  readonly numbers: InitialNumbers | null;
}

/**
 * From a SYN to an open connection, by way of SYN-RECEIVED, or of a cookie, which needs no memory.
 *
 * What is true here: `halfOpen` and `young` of a listener count its connections in SYN-RECEIVED; all
 * together are at most half of the connections that the stack may have.
 *
 * @rfc 9293 3.10.7.2, 4987 3.6
 */
export class PassiveOpens {
  readonly #counters: TcpCounters;
  readonly #host: PassiveHost;
  readonly #random: Random;
  readonly #fastOpens: FastOpens;
  readonly #maxHalfOpen: number;
  readonly #syn = new Segment();
  /** Made when the first one is needed. */
  #cookies: SynCookies | null = null;
  /** They send a SYN-ACK with a cookie, and are forgotten. */
  #owed: Connection[] = [];
  #halfOpen = 0;

  constructor(
    host: PassiveHost,
    { random, maxConnections, numbers }: PassiveOptions,
    counters: TcpCounters,
  ) {
    this.#counters = counters;
    this.#host = host;
    this.#random = random;
    this.#fastOpens = new FastOpens(random, counters, numbers?.fastOpenCookie);
    this.#maxHalfOpen = Math.max(1, maxConnections >>> 1);
  }

  // ---- events in ----------------------------------------------------------------------------

  /**
   * SEGMENT ARRIVES in LISTEN.
   *
   * @param octets where the text of the segment lies
   * @returns 'listen-ack', 'bad-syn-cookie': the caller answers with a RST
   */
  segmentArrives(
    listener: Listener<Connection>,
    seg: Segment,
    octets: Uint8Array,
    pair: Pair,
    now: Micros,
  ): DropReason | null {
    const counters = this.#counters;
    let drop = listener.segmentArrives(seg);
    if (drop === 'listen-ack') return this.#ackArrives(listener, seg, octets, pair, now);
    if (drop === null && this.#halfOpen >= this.#maxHalfOpen) drop = 'syn-queue-full';
    const { synCookies } = listener.config;
    const isFull = drop === 'syn-queue-full';
    const byCookie = isFull ? synCookies !== 'off' : drop === null && synCookies === 'always';
    if (isFull && byCookie) counters.TCPReqQFullDoCookies++;
    else if (isFull) counters.TCPReqQFullDrop++;
    if (byCookie) return this.#answerByCookie(listener, seg, pair, now);
    if (drop !== null) return drop;
    const judged = this.#fastOpens.judge(listener, seg, pair, now);
    if (judged.isOpen) return this.#openFast(listener, { seg, octets, ...judged }, pair, now);
    return this.open(listener, seg, pair, now, { cookie: judged.cookie });
  }

  /**
   * "Set RCV.NXT to SEG.SEQ+1, IRS is set to SEG.SEQ ... ISS should be selected and a SYN segment sent".
   *
   * Deviates from RFC 9293 as Linux does: text of the SYN is not kept, for the peer to send it again.
   */
  open(
    listener: Listener<Connection>,
    seg: Segment,
    pair: Pair,
    now: Micros,
    { leastIss = null, cookie = null }: Answer = {},
  ): DropReason | null {
    const connection = this.#host.create({ pair, listener, iss: null, leastIss }, now);
    if (connection === null) return 'no-route';
    if (!this.#host.admit(connection)) return 'connection-limit';
    enterSynReceived(connection, seg, now);
    connection.tcb.synOwed = 'handshake';
    connection.tcb.fastOpen.cookie = cookie;
    connection.tcb.fastOpen.isExperiment = seg.isFastOpenExperiment;
    connection.halfOpen = 'young';
    listener.halfOpen++;
    listener.young++;
    this.#halfOpen++;
    return null;
  }

  // ---- effects out --------------------------------------------------------------------------

  get pending(): boolean {
    return this.#owed.length > 0;
  }

  /** Sends the SYN-ACKs that nothing is remembered of. */
  flush(now: Micros, writer: SegmentWriter): void {
    if (this.#owed.length === 0) return;
    for (const { tcb } of this.#owed) {
      output(tcb, now, writer);
      closeTcb(tcb, null, now);
    }
    this.#owed = [];
  }

  /** After its output, a connection may count as something else. */
  settle(connection: Connection, now: Micros): void {
    const { tcb, listener, halfOpen } = connection;
    if (connection.fastOpen) settleFastOpen(connection, now);
    if (halfOpen === 'no') return;
    const isOver = tcb.state !== 'SYN-RECEIVED';
    const isYoung = halfOpen === 'young' && !isOver && tcb.recovery.retries === 0;
    if (isYoung) return;
    connection.halfOpen = isOver ? 'no' : 'old';
    if (isOver) this.#halfOpen--;
    if (listener === null) return;
    if (halfOpen === 'young') listener.young--;
    if (isOver) listener.halfOpen--;
  }

  // -------------------------------------------------------------------------------------------

  /** "the server ... sends a SYN-ACK ... acknowledging both SYN and data", and tells its user. @rfc 7413 4.2.2 */
  #openFast(
    listener: Listener<Connection>,
    { seg, octets, cookie }: { seg: Segment; octets: Uint8Array; cookie: Uint8Array | null },
    pair: Pair,
    now: Micros,
  ): DropReason | null {
    const connection = this.#host.create({ pair, listener, iss: null, leastIss: null }, now);
    if (connection === null) return 'no-route';
    if (!this.#host.admit(connection)) return 'connection-limit';
    enterSynReceived(connection, seg, now);
    const { tcb } = connection;
    tcb.synOwed = 'handshake';
    tcb.fastOpen.pending = true;
    tcb.fastOpen.isChild = true;
    tcb.fastOpen.textAcked = seg.textLength > 0;
    tcb.fastOpen.cookie = cookie;
    tcb.fastOpen.isExperiment = seg.isFastOpenExperiment;
    connection.fastOpen = true;
    listener.fastOpens++;
    listener.reserve();
    setWindow(tcb, seg);
    onOpen(tcb, now);
    beginControl(tcb, now);
    seg.flags &= ~(Flag.SYN | Flag.FIN); // a FIN will come again
    seg.seq = tcb.rcv.nxt;
    if (seg.textLength === 0) return null;
    const { wnd } = tcb.rcv;
    const drop = onText(tcb, seg, octets, now);
    // Linux learns nothing of the pace of text from it (tcp_fastopen_add_skb)
    tcb.ack.ato = 0;
    tcb.ack.quick = 0;
    // as Linux, whose SYN-ACK offers as much behind the text as it would without
    if (tcb.config.windowModel === 'memory') tcb.rcv.wnd = wnd;
    return drop;
  }

  /** @rfc 4987 3.6 */
  #answerByCookie(
    listener: Listener<Connection>,
    seg: Segment,
    pair: Pair,
    now: Micros,
  ): DropReason | null {
    if (this.#owed.length >= MAX_OWED) return 'syn-queue-full';
    if (!seg.hasTimestamps || !listener.config.timestamps) {
      seg.windowShift = -1; // there is no place for more than the size
      seg.sackPermitted = false;
      seg.flags &= ~(Flag.ECE | Flag.CWR);
    }
    const iss = this.#synCookies().make(pair, seg.seq, seg.mss, now);
    const connection = this.#host.create({ pair, listener, iss, leastIss: null }, now);
    if (connection === null) return 'no-route';
    const { tcb } = connection;
    enterSynReceived(connection, seg, now);
    const { windowScaling, sackPermitted, snd, ecn } = tcb;
    const windowShift = windowScaling ? snd.shift : -1;
    tcb.ts.offset -= setBack({ windowShift, sack: sackPermitted, ecn: ecn.on }, now);
    tcb.synOwed = 'syn-cookie';
    listener.cookieAt = now;
    this.#owed.push(connection);
    this.#counters.SyncookiesSent++;
    return null;
  }

  /** An ACK that may be the answer to a cookie: "reconstruct the state from the cookie". @rfc 4987 3.6 */
  #ackArrives(
    listener: Listener<Connection>,
    seg: Segment,
    octets: Uint8Array,
    pair: Pair,
    now: Micros,
  ): DropReason | null {
    if (listener.config.synCookies === 'off' || seg.has(Flag.SYN)) return 'listen-ack';
    if (now - listener.cookieAt > COOKIE_LIFE) return 'listen-ack';
    const iss = add(seg.ack, -1);
    const mss = this.#synCookies().check(pair, add(seg.seq, -1), iss, now);
    if (mss === 0) {
      this.#counters.SyncookiesFailed++;
      return 'bad-syn-cookie';
    }
    this.#counters.SyncookiesRecv++;
    if (!listener.hasRoom) {
      countRefusal(this.#counters, 'accept-queue-full');
      return 'accept-queue-full';
    }
    const connection = this.#host.create({ pair, listener, iss, leastIss: null }, now);
    if (connection === null) return 'no-route';
    if (!this.#host.admit(connection)) return 'connection-limit';
    rebuildSyn(this.#syn, seg, mss, connection.tcb.ts.offset);
    enterSynReceived(connection, this.#syn, now);
    establish(connection.tcb, seg, now);
    listener.reserve();
    return connection.segmentArrives(seg, octets, now);
  }

  #synCookies(): SynCookies {
    if (this.#cookies === null) {
      const secret = new Uint8Array(SECRET_LENGTH);
      fill(this.#random, secret);
      this.#cookies = new SynCookies(secret);
    }
    return this.#cookies;
  }
}

/** "it ... was established or reset": the latter counts for a while yet if the user had it. @rfc 7413 5.1 */
function settleFastOpen(connection: Connection, now: Micros): void {
  const { tcb, listener } = connection;
  const isOver = tcb.state === 'CLOSED';
  if (tcb.fastOpen.pending && !isOver) return;
  connection.fastOpen = false;
  tcb.gate?.onFastOpenEnd(isOver && listener === null && tcb.error === 'ECONNRESET', now);
}

function enterSynReceived({ tcb }: Connection, syn: Segment, now: Micros): void {
  transition(tcb, 'LISTEN', now);
  takeSyn(tcb, syn, now);
  answerEcn(tcb, syn);
  prepareAnswer(tcb);
  transition(tcb, 'SYN-RECEIVED', now);
}

/** The ACK has proved that the SYN-ACK has arrived; how long it took nobody knows. */
function establish(tcb: Tcb, seg: Segment, now: Micros): void {
  const { snd } = tcb;
  snd.una = seg.ack;
  snd.nxt = seg.ack;
  transition(tcb, 'ESTABLISHED', now);
  setWindow(tcb, seg);
  onEstablished(tcb, now);
  beginControl(tcb, now);
}
