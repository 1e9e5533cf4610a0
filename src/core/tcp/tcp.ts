import { ANY_ADDRESS, formatIpv4, type Ipv4Address } from '../base/address.ts';
import { StackError } from '../base/errors.ts';
import type { PacketBuffer } from '../base/packetBuffer.ts';
import {
  type DatagramSink,
  Protocol,
  type TransportError,
  type TransportHandler,
} from '../base/ports.ts';
import { fill, type Random, uniform } from '../base/random.ts';
import type { DropReason } from '../base/reasons.ts';
import { add, lt, max } from '../base/seq.ts';
import type { Micros } from '../base/time.ts';
import type { TimerQueue } from '../base/timerQueue.ts';
import type { Tracer } from '../base/tracer.ts';
import { Flag, parseTcp, Segment } from '../wire/tcp.ts';
import { configure, DEFAULT_MSS, EPHEMERAL_PORTS, type TcpConfig } from './config.ts';
import { newController } from './congestion/controllers.ts';
import { Connection, type ConnectionOwner } from './connection.ts';
import { countRefusal, type TcpCounters } from './counters.ts';
import { Demux } from './demux.ts';
import type { FastOpenServer } from './fastOpenCache.ts';
import { prepareOffer } from './input/handshake.ts';
import type { StackLimits } from './limits.ts';
import { type InitialNumbers, IsnGenerator, SECRET_LENGTH } from './listen/isn.ts';
import { Listener } from './listen/listener.ts';
import { type Beginning, type PassiveHost, PassiveOpens } from './passiveOpens.ts';
import { ResetWriter } from './reset.ts';
import { onFastOpenOver, wishFastOpen } from './send/fastOpenClient.ts';
import { armConnectTimeout } from './send/keepAlive.ts';
import { SegmentWriter } from './send/segmentWriter.ts';
import { Shared } from './shared.ts';
import { Event, Tcb, transition } from './tcb.ts';

/** From the last number of a connection in TIME-WAIT to the first of its successor (Linux: 65,537). */
const REOPENING_DISTANCE = 65_537;

/** What TCP needs of the rest of the stack. */
export interface TcpOptions {
  readonly sink: DatagramSink;
  readonly timers: TimerQueue;
  readonly random: Random;
  readonly config: TcpConfig;
  readonly tracer: Tracer | null;
  /** Most connections in the table, TIME-WAIT included. */
  readonly maxConnections: number;
  readonly limits?: Partial<StackLimits>;
  /** Where ISNs and timestamps begin; null: where nobody outside can tell. */
  readonly numbers: InitialNumbers | null;
  /** Called when the user, outside of a turn, has left something to do. */
  readonly wake: () => void;
}

/** Where an active open goes, and comes from. */
export interface OpenOptions {
  readonly remoteAddress: Ipv4Address;
  readonly remotePort: number;
  /** Default: the address that IP uses towards the destination. MUST-43, MUST-44 */
  readonly localAddress?: Ipv4Address;
  /** Default: one of the ephemeral ports. */
  readonly localPort?: number;
  readonly config?: Partial<TcpConfig>;
  /**
   * TCP Fast Open. Text: it goes with the SYN as far as that has room for it, if a cookie of the server is
   * known; else the SYN asks for one, and the text follows the handshake. True: where a cookie is known
   * the SYN waits for the first text that is sent (Linux: TCP_FASTOPEN_CONNECT). The server may get the
   * text twice: "only ... applications that are resilient to duplicate SYN data". Default: false.
   *
   * @rfc 7413 4.2, 6.1
   */
  readonly fastOpen?: boolean | Uint8Array;
}

/**
 * TCP of a stack: the table of connections, and what happens to segments that belong to none.
 *
 * What is true here: a connection is in the table from OPEN until it is CLOSED; it is in the list of
 * dirty ones if anything may have changed since its last turn.
 *
 * @rfc 9293 3.10.7.1
 */
export class Tcp implements TransportHandler, ConnectionOwner {
  readonly #options: TcpOptions;
  readonly #demux: Demux;
  readonly #isn: InitialNumbers;
  readonly #segment = new Segment();
  readonly #writer: SegmentWriter;
  readonly #resets: ResetWriter;
  readonly #passive: PassiveOpens;
  #dirty: Connection[] = [];
  #flushing: Connection[] = [];
  #eventful: Connection[] = [];
  #nextId = 1;
  #nextPort: number;
  readonly #shared: Shared;

  constructor(options: TcpOptions) {
    this.#options = options;
    this.#shared = new Shared(options.random);
    this.#shared.configure(options.limits ?? {});
    this.#demux = new Demux(options.random.u32());
    const secret = new Uint8Array(SECRET_LENGTH);
    fill(options.random, secret);
    this.#isn = options.numbers ?? new IsnGenerator(secret);
    this.#writer = new SegmentWriter(options.sink, this.#shared.counters);
    this.#resets = new ResetWriter(options.sink, this.#shared.counters);
    const host: PassiveHost = {
      create: (beginning, now) =>
        this.#create(beginning, beginning.listener.config, beginning.listener, now),
      admit: (connection) => this.#admit(connection),
    };
    this.#passive = new PassiveOpens(host, options, this.#shared.counters);
    const { first, last } = EPHEMERAL_PORTS;
    this.#nextPort = first + uniform(options.random, last - first + 1);
  }

  // ---- commands -----------------------------------------------------------------------------

  /**
   * Passive OPEN.
   *
   * @param address one of ours, or 0.0.0.0 for any
   * @param port 1 to 65535; 0: one of the ephemeral ports
   * @param backlog most connections that wait to be accepted, and most that are half open
   * @throws StackError EADDRINUSE, EADDRNOTAVAIL
   * @rfc 9293 3.10.1
   */
  listen(
    address: Ipv4Address,
    port: number,
    backlog: number,
    changes: Partial<TcpConfig> = {},
  ): Listener<Connection> {
    if (address !== ANY_ADDRESS && !this.#options.sink.isLocal(address)) {
      throw new StackError('EADDRNOTAVAIL', `${formatIpv4(address)} is no address of this stack`);
    }
    const chosen = port === 0 ? this.#freePort((p) => !this.#demux.isListened(address, p)) : port;
    if (this.#demux.isListened(address, chosen)) {
      throw new StackError('EADDRINUSE', `port ${chosen} has a listener already`);
    }
    const config = configure(this.#options.config, changes);
    const listener = new Listener<Connection>(address, chosen, Math.max(1, backlog), config);
    this.#demux.addListener(listener);
    return listener;
  }

  /** Ends a listener: half-open and unaccepted connections of it are reset. @rfc 9293 3.10.4 */
  closeListener(listener: Listener<Connection>, now: Micros): void {
    this.#demux.removeListener(listener);
    listener.close();
    for (const c of [...this.#demux.connections()]) if (c.listener === listener) c.abort(now);
  }

  /**
   * Active OPEN: the SYN goes out with the next turn.
   *
   * @throws StackError ENETUNREACH, EADDRNOTAVAIL, EADDRINUSE
   * @rfc 9293 3.10.1
   */
  connect(options: OpenOptions, now: Micros): Connection {
    const { sink } = this.#options;
    const { remoteAddress, remotePort } = options;
    if (sink.isBroadcastOrMulticast(remoteAddress)) {
      throw new StackError('ENETUNREACH', `${formatIpv4(remoteAddress)} is not a host`); // MUST-46
    }
    const localAddress = options.localAddress ?? sink.sourceFor(remoteAddress);
    if (localAddress === null) {
      throw new StackError('ENETUNREACH', `no route leads to ${formatIpv4(remoteAddress)}`);
    }
    if (!sink.isLocal(localAddress)) {
      throw new StackError('EADDRNOTAVAIL', `${formatIpv4(localAddress)} is not our address`);
    }
    const isFree = (port: number): boolean =>
      this.#demux.find(localAddress, port, remoteAddress, remotePort) === null;
    const localPort = options.localPort || this.#freePort(isFree);
    if (!isFree(localPort)) throw new StackError('EADDRINUSE', `port ${localPort} is in use`);
    const pair = { localAddress, localPort, remoteAddress, remotePort };
    const config = configure(this.#options.config, options.config ?? {});
    const connection = this.#create({ pair, iss: null, leastIss: null }, config, null, now);
    if (connection === null || !this.#admit(connection)) {
      throw new StackError('EADDRNOTAVAIL', 'the stack is full');
    }
    const { tcb } = connection;
    transition(tcb, 'SYN-SENT', now);
    const { fastOpen = false } = options;
    if (fastOpen !== false) wishFastOpen(tcb, now);
    if (tcb.fastOpen.wish !== 'wait') tcb.synOwed = 'handshake';
    tcb.ecn.on = config.ecn === 'on';
    armConnectTimeout(tcb, now);
    if (typeof fastOpen !== 'boolean') connection.send(fastOpen);
    return connection;
  }

  /** What is known of a server, for the Fast Open of connections to come: from an earlier life of the stack. */
  rememberServer(
    ends: { readonly local: Ipv4Address; readonly remote: Ipv4Address },
    known: FastOpenServer,
  ): void {
    const { fastOpenCache, limits } = this.#shared;
    fastOpenCache.remember(ends, known, limits.fastOpenServers);
  }

  /** Forgets the Fast Open cookies of all servers. */
  forgetServers(): void {
    this.#shared.fastOpenCache.clear();
  }

  /** Changes limits of the stack; what is held beyond one stays. @throws RangeError */
  setLimits(changes: Partial<StackLimits>): void {
    this.#shared.configure(changes);
  }

  /** The connection has something to do in the next turn. */
  touch(connection: Connection): void {
    if (connection.dirty) return;
    connection.dirty = true;
    this.#dirty.push(connection);
    if (this.#dirty.length === 1) this.#options.wake();
  }

  // ---- events in ----------------------------------------------------------------------------

  datagramArrives(
    packet: PacketBuffer,
    source: Ipv4Address,
    destination: Ipv4Address,
    now: Micros,
  ): DropReason | null {
    const seg = this.#segment;
    const malformed = parseTcp(packet, source, destination, seg, true);
    this.#shared.counters.tcpInSegs++;
    if (malformed !== null) return this.#onError(malformed);
    const { sourcePort, destinationPort } = seg;
    const connection = this.#demux.find(destination, destinationPort, source, sourcePort);
    if (connection === null) {
      return this.#segmentForNobody(seg, packet.octets, source, destination, now);
    }
    if (seg.has(Flag.FIN) && seg.has(Flag.SYN) && !connection.tcb.config.synFin) return 'syn-fin';
    if (this.#isReopening(connection, seg)) return this.#reopen(connection, seg, now);
    const drop = connection.segmentArrives(seg, packet.octets, now);
    if (drop === 'bad-ack' || drop === 'wrong-echo') {
      this.#resets.answer(seg, source, destination, 'reset-unacceptable-ack');
    } else if (drop === 'text-after-close') {
      this.#resets.answer(seg, source, destination, 'reset-after-close');
    }
    return drop;
  }

  errorArrives(error: TransportError, now: Micros): DropReason | null {
    const { local, localPort, remote, remotePort } = error;
    const connection = this.#demux.find(local, localPort, remote, remotePort);
    return connection === null ? 'icmp-no-connection' : connection.onIcmpError(error, now);
  }

  // ---- effects out --------------------------------------------------------------------------

  /** Is there a connection that waits for {@link flush} or {@link notify}? */
  get pending(): boolean {
    return this.#dirty.length > 0 || this.#eventful.length > 0 || this.#owesAnswers;
  }

  get #owesAnswers(): boolean {
    return this.#resets.pending || this.#passive.pending;
  }

  /** Steps 3 and 4 of a turn: each dirty connection sends what it owes, and sets its timer. */
  flush(now: Micros): void {
    if (this.#writer.ready) {
      this.#resets.flush(now);
      this.#passive.flush(now, this.#writer);
    }
    const flushing = this.#dirty;
    this.#dirty = this.#flushing;
    this.#flushing = flushing;
    for (const connection of flushing) {
      if (this.#writer.ready) {
        connection.dirty = false;
        connection.output(now, this.#writer);
        this.#settle(connection, now);
        if (this.#writer.ready || connection.state === 'CLOSED') continue;
        connection.dirty = true;
      }
      this.#dirty.push(connection); // goes on when the device is writable again
    }
    flushing.length = 0;
  }

  /** Step 5 of a turn: users are told. What they do then is done in the next turn. */
  notify(): void {
    const eventful = this.#eventful;
    this.#eventful = [];
    for (const connection of eventful) {
      const events = connection.takeEvents();
      const { listener } = connection;
      if (listener !== null && (events & Event.OPEN) !== 0) {
        listener.enqueue(connection);
        listener.onAcceptable?.();
      }
      if (events !== 0) connection.onEvents?.(events);
    }
  }

  // ---- getters ------------------------------------------------------------------------------

  /** Connections in the table, those in TIME-WAIT included. */
  connections(): Iterable<Connection> {
    return this.#demux.connections();
  }

  /** The listener that a SYN for this address and port finds; null: it will be refused. */
  listenerOn(address: Ipv4Address, port: number): Listener<Connection> | null {
    return this.#demux.listenerOn(address, port);
  }

  /** How many there are. */
  get connectionCount(): number {
    return this.#demux.size;
  }

  /** What the connections hold now, in octets and in connections of a kind: see {@link StackLimits}. */
  get usage(): Pick<Shared, 'memory' | 'underPressure' | 'timeWaits' | 'orphans'> {
    return this.#shared;
  }

  /** What has been done so far; the record goes on counting. @rfc 4022 4 */
  get counters(): Readonly<TcpCounters> {
    return this.#shared.counters;
  }

  // -------------------------------------------------------------------------------------------

  /**
   * A SYN that is newer than a connection in TIME-WAIT may begin another one, if somebody accepts it.
   *
   * @rfc 9293 3.6.1 MAY-2, 6191
   */
  #isReopening(connection: Connection, seg: Segment): boolean {
    const { tcb } = connection;
    if (tcb.state !== 'TIME-WAIT' || !seg.has(Flag.SYN)) return false;
    const isLater =
      tcb.ts.on && seg.hasTimestamps
        ? ((seg.tsVal - tcb.ts.recent) | 0) > 0
        : lt(tcb.rcv.nxt, seg.seq);
    if (!isLater) return false;
    const listener = this.#demux.listenerOn(tcb.localAddress, tcb.localPort);
    return listener !== null && listener.segmentArrives(seg) === null;
  }

  /** "its initial sequence number is larger than the largest ... used in the previous incarnation". */
  #reopen(old: Connection, seg: Segment, now: Micros): DropReason | null {
    const { localAddress, localPort, remoteAddress, remotePort, snd } = old.tcb;
    const pair = { localAddress, localPort, remoteAddress, remotePort };
    const listener = this.#demux.listenerOn(localAddress, localPort);
    if (listener === null) return 'tcp-no-connection';
    const leastIss = add(snd.nxt, REOPENING_DISTANCE);
    this.#shared.counters.TWRecycled++;
    old.abort(now);
    this.#forget(old);
    return this.#passive.open(listener, seg, pair, now, { leastIss });
  }

  #onError(malformed: DropReason): DropReason {
    const { counters } = this.#shared;
    counters.tcpInErrs++;
    if (malformed === 'tcp-bad-checksum') counters.tcpInCsumErrors++;
    return malformed;
  }

  #segmentForNobody(
    seg: Segment,
    octets: Uint8Array,
    source: Ipv4Address,
    destination: Ipv4Address,
    now: Micros,
  ): DropReason | null {
    const listener = this.#demux.listenerOn(destination, seg.destinationPort);
    if (listener === null) {
      this.#resets.answer(seg, source, destination, 'reset');
      return 'tcp-no-connection';
    }
    const pair = {
      localAddress: destination,
      localPort: seg.destinationPort,
      remoteAddress: source,
      remotePort: seg.sourcePort,
    };
    const drop = this.#passive.segmentArrives(listener, seg, octets, pair, now);
    if (drop === 'listen-ack' || drop === 'bad-syn-cookie') {
      this.#resets.answer(seg, source, destination, 'reset');
    }
    if (drop !== null && seg.has(Flag.SYN)) countRefusal(this.#shared.counters, drop);
    return drop;
  }

  /** A connection that is in no table yet; null: no route leads to the peer. */
  #create(
    { pair, iss, leastIss }: Pick<Beginning, 'pair' | 'iss' | 'leastIss'>,
    config: TcpConfig,
    listener: Listener<Connection> | null,
    now: Micros,
  ): Connection | null {
    const { sink, tracer } = this.#options;
    const { localAddress: local, localPort, remoteAddress: remote, remotePort } = pair;
    const flow = sink.openFlow(local, remote, Protocol.TCP);
    if (flow === null) return null;
    flow.ttl = config.ttl;
    flow.trafficClass = config.trafficClass;
    const first = iss ?? this.#isn.isn(local, localPort, remote, remotePort, now);
    const tcb = new Tcb({
      ...pair,
      id: this.#nextId++,
      flow,
      config,
      congestion: newController(config, DEFAULT_MSS, this.#options.random),
      iss: leastIss === null ? first : max(first, leastIss),
      timestampOffset: this.#isn.timestampOffset(local, remote),
      tracer,
      gate: listener,
      shared: this.#shared,
    });
    prepareOffer(tcb, sink.receiveMtu(local));
    tcb.heardAt = now;
    return new Connection(tcb, listener, this);
  }

  /** Puts it into the table, and asks for a turn. @returns false: the stack is full */
  #admit(connection: Connection): boolean {
    if (this.#demux.size >= this.#options.maxConnections) return false;
    this.#demux.add(connection);
    this.touch(connection);
    return true;
  }

  /** After its output: events to tell, one queue entry for its timers, or the end of it. */
  #settle(connection: Connection, now: Micros): void {
    const { tcb, timer } = connection;
    if (tcb.events !== 0) this.#eventful.push(connection);
    this.#passive.settle(connection, now);
    if (tcb.state === 'CLOSED' || tcb.state === 'TIME-WAIT') onFastOpenOver(tcb, now);
    if (tcb.state === 'CLOSED') {
      this.#forget(connection);
      return;
    }
    const next = connection.nextDeadline();
    if (next < timer.deadline) this.#options.timers.schedule(timer, next);
  }

  #forget(connection: Connection): void {
    this.#options.timers.cancel(connection.timer);
    this.#demux.remove(connection);
  }

  #freePort(isFree: (port: number) => boolean): number {
    const { first, last } = EPHEMERAL_PORTS;
    for (let i = 0; i <= last - first; i++) {
      const port = this.#nextPort;
      this.#nextPort = port === last ? first : port + 1;
      if (isFree(port)) return port;
    }
    throw new StackError('EADDRNOTAVAIL', 'no ephemeral port is free');
  }
}
