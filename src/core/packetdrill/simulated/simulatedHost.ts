import { type Ipv4Address, ipv4 } from '../../base/address.ts';
import type { PacketBuffer } from '../../base/packetBuffer.ts';
import { Xoshiro128 } from '../../base/random.ts';
import { explainSend, type SendReason } from '../../base/reasons.ts';
import { type Micros, NEVER, SECOND } from '../../base/time.ts';
import type { Tracer } from '../../base/tracer.ts';
import { VirtualClock } from '../../base/virtualClock.ts';
import { StageDevice } from '../../replay/stageDevice.ts';
import { Stack } from '../../stack/stack.ts';
import { configure, DEFAULT_CONFIG, type TcpConfig } from '../../tcp/config.ts';
import type { Connection } from '../../tcp/connection.ts';
import { nstatName } from '../../tcp/counters.ts';
import type { Script } from '../ast.ts';
import { type CallOutcome, failed, type HostCall } from '../host/calls.ts';
import type {
  CallInProgress,
  ConnectionQuery,
  Host,
  InfoNames,
  SentDatagram,
} from '../host/host.ts';
import { SERVERS } from '../host/numbers.ts';
import { checkCall } from './checkCall.ts';
import { missingFeature } from './features.ts';
import { CLIENT_ENABLE } from './freebsdSysctls.ts';
import { infoNames } from './infoNames.ts';
import { limitsOf } from './limitSysctls.ts';
import { SocketTable } from './socketTable.ts';
import { settingsOf } from './sysctls.ts';

/** The host's clock when a script begins: some while after its own start. */
const START: Micros = 1000 * SECOND;
const SEED = 1;
/** Turns at one instant after which a stack runs in a circle. */
const MAX_TURNS = 100_000;
/** Steps of one wait: a script whose timers never end is broken off. */
const MAX_STEPS = 1_000_000;

/** What a simulated host is like. */
export interface SimulatedHostOptions {
  readonly localAddress: Ipv4Address;
  readonly prefixLength: number;
  readonly remoteAddress: Ipv4Address;
  /** Octets. */
  readonly mtu: number;
  /** The stack's settings, before any sysctl. */
  readonly config: Partial<TcpConfig>;
  /** Watches what the stack does; null: nobody. */
  readonly tracer?: Tracer | null;
}

/** A call of the simulated host; `outcome` is set when it returns. */
class SimulatedCall implements CallInProgress {
  outcome: CallOutcome | null = null;
  endedAt: Micros = 0;
  readonly attempt: () => CallOutcome | null;
  readonly until: Micros;

  constructor(attempt: () => CallOutcome | null, until: Micros) {
    this.attempt = attempt;
    this.until = until;
  }
}

/** This stack in virtual time, as a system under test: everything happens within the calls. */
export class SimulatedHost implements Host, Tracer {
  readonly #clock = new VirtualClock(START);
  readonly #options: SimulatedHostOptions;
  readonly #stack: Stack;
  readonly #device: StageDevice;
  readonly #sockets: SocketTable;
  #config: Partial<TcpConfig>;
  #outbox: SentDatagram[] = [];
  #octets: Uint8Array | null = null;
  #blocked: SimulatedCall[] = [];
  #woken = false;

  constructor(options: SimulatedHostOptions) {
    this.#options = options;
    this.#config = options.config;
    this.#device = new StageDevice('packetdrill', options.mtu, (octets) => {
      this.#octets = octets;
    });
    const defaults = configure(DEFAULT_CONFIG, options.config);
    this.#stack = new Stack({
      random: new Xoshiro128(SEED),
      config: options.config,
      tracer: this,
    });
    this.#stack.wake = () => {
      this.#woken = true;
    };
    const { localAddress, prefixLength, remoteAddress } = options;
    const cidr = { address: localAddress, prefixLength };
    this.#stack.addInterface(this.#device, cidr, gatewayOf(localAddress), this.now());
    const config = (): Partial<TcpConfig> => this.#config;
    this.#sockets = new SocketTable({
      stack: this.#stack,
      localAddress,
      remoteAddress,
      defaults,
      get config() {
        return config();
      },
      now: () => this.now(),
    });
    this.#settle();
  }

  // ---- the host -----------------------------------------------------------------------------

  now(): Micros {
    return this.#clock.now();
  }

  /**
   * Timers that are due at `at` itself wait for the next call: what a script does at an instant
   * comes before what happens by itself then, since timers of real hosts are never early.
   */
  passTo(at: Micros): void {
    for (let steps = 0; this.#nextEvent() < at; steps++) {
      if (steps > MAX_STEPS) throw new Error('the stack does not come to rest');
      this.#step();
    }
    if (at > this.now()) this.#clock.advanceTo(at);
  }

  takeDatagram(limit: Micros): SentDatagram | null {
    for (let steps = 0; this.#outbox.length === 0; steps++) {
      if (steps > MAX_STEPS) throw new Error('the stack does not come to rest');
      const next = this.#nextEvent();
      if (next > limit || next === NEVER) {
        if (limit !== NEVER && limit > this.now()) this.#clock.advanceTo(limit);
        return null;
      }
      this.#step();
    }
    return this.#outbox.shift() ?? null;
  }

  inject(datagram: Uint8Array, segmentSize: number): void {
    this.#device.putDatagram(datagram, segmentSize);
    this.#settle();
  }

  begin(call: HostCall): CallInProgress {
    const { attempt, wouldBlock, until } = this.#sockets.begin(call);
    const begun = new SimulatedCall(attempt, until);
    this.#try(begun);
    if (begun.outcome === null && wouldBlock !== null) {
      begun.outcome = wouldBlock;
      begun.endedAt = this.now();
    }
    if (begun.outcome === null) this.#blocked.push(begun);
    this.#settle();
    return begun;
  }

  finish(call: CallInProgress, limit: Micros): void {
    for (let steps = 0; call.outcome === null; steps++) {
      if (steps > MAX_STEPS) throw new Error('the stack does not come to rest');
      const next = this.#nextEvent();
      if (next > limit || next === NEVER) {
        if (limit !== NEVER && limit > this.now()) this.#clock.advanceTo(limit);
        return;
      }
      this.#step();
    }
  }

  info(of: number | ConnectionQuery): InfoNames | null {
    const found =
      typeof of === 'number'
        ? (this.#sockets.get(of)?.connection ?? null)
        : (this.#sockets.connected(of) ?? this.#connections(of)[0] ?? null);
    return found === null ? null : infoNames(found, this.now());
  }

  states(query: ConnectionQuery): readonly string[] {
    const states: string[] = this.#connections(query).map((connection) => connection.state);
    const { localAddress } = this.#options;
    const { localPort } = query;
    const isListened =
      localPort !== null && this.#stack.tcp.listenerOn(localAddress, localPort) !== null;
    return isListened ? ['LISTEN', ...states] : states;
  }

  counters(): InfoNames {
    const { ip, tcp } = this.#stack.counters();
    const names = new Map(Object.entries(tcp).map(([name, count]) => [nstatName(name), count]));
    for (const [name, count] of Object.entries(ip)) names.set(`IpExt${name}`, count);
    return names;
  }

  drop(state: string | null): void {
    for (const connection of [...this.#stack.tcp.connections()]) {
      if (state === null || connection.state === state) connection.abort(this.now());
    }
    this.#settle();
  }

  check(call: HostCall): void {
    checkCall(call);
  }

  checkSetting(name: string, value: string): void {
    if (limitsOf(name, value) === null) settingsOf(name, value);
  }

  missing(script: Script): string | null {
    return missingFeature(script);
  }

  configure(name: string, value: string): void {
    const limits = limitsOf(name, value);
    if (name === SERVERS || (name === CLIENT_ENABLE && value === '0')) {
      this.#stack.tcp.forgetServers();
    }
    if (limits !== null) this.#stack.tcp.setLimits(limits);
    else this.#config = { ...this.#config, ...settingsOf(name, value) };
  }

  close(): void {
    this.#stack.close();
  }

  // ---- the tracer ---------------------------------------------------------------------------

  sent(packet: PacketBuffer, reason: SendReason, now: Micros): void {
    this.#options.tracer?.sent(packet, reason, now);
    const octets = this.#octets;
    this.#octets = null;
    if (octets === null) return;
    this.#outbox.push({ at: now, octets, reason: explainSend(reason) });
  }

  received(...args: Parameters<Tracer['received']>): void {
    this.#options.tracer?.received(...args);
  }

  unsent(...args: Parameters<Tracer['unsent']>): void {
    this.#options.tracer?.unsent(...args);
  }

  transition(...args: Parameters<Tracer['transition']>): void {
    this.#options.tracer?.transition(...args);
  }

  // -------------------------------------------------------------------------------------------

  #connections({ localPort, remotePort }: ConnectionQuery): Connection[] {
    return [...this.#stack.tcp.connections()].filter(
      ({ tcb }) =>
        (localPort === null || tcb.localPort === localPort) &&
        (remotePort === null || tcb.remotePort === remotePort),
    );
  }

  #nextEvent(): Micros {
    let next = this.#stack.nextDeadline();
    for (const { until } of this.#blocked) next = Math.min(next, until);
    return next;
  }

  #step(): void {
    this.#clock.advanceTo(Math.max(this.#nextEvent(), this.now()));
    this.#settle();
  }

  #settle(): void {
    for (let turns = 0; turns < MAX_TURNS; turns++) {
      this.#woken = false;
      const more = this.#stack.turn(this.now());
      this.#sockets.observe();
      for (const call of this.#blocked) this.#try(call);
      this.#blocked = this.#blocked.filter(({ outcome }) => outcome === null);
      if (!more && !this.#woken) return;
    }
    throw new Error('the stack does not come to rest');
  }

  #try(call: SimulatedCall): void {
    call.outcome = call.attempt();
    if (call.outcome === null && call.until <= this.now()) call.outcome = failed('EAGAIN');
    call.endedAt = this.now();
  }
}

/** Another address of the network: the scripts' own gateway may be the host itself. */
function gatewayOf(local: Ipv4Address): Ipv4Address {
  const last = local & 0xff;
  return ipv4(local - last + (last === 2 ? 3 : 2));
}
