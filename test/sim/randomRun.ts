import type { ExecutionContext } from 'ava';
import { ANY_ADDRESS } from '../../src/core/base/address.ts';
import type { PacketBuffer } from '../../src/core/base/packetBuffer.ts';
import { fraction, type Random, uniform, Xoshiro128 } from '../../src/core/base/random.ts';
import { seq } from '../../src/core/base/seq.ts';
import { MS, NEVER, SECOND } from '../../src/core/base/time.ts';
import type { FrameFate, ImpairmentOptions } from '../../src/core/sim/impairment.ts';
import { ADDRESS_B, createPair, type Pair, type PairOptions } from '../../src/core/sim/network.ts';
import { CONGESTION_CONTROLS, SLOW_STARTS } from '../../src/core/tcp/config.ts';
import type { Connection } from '../../src/core/tcp/connection.ts';
import { brokenInvariant } from '../../src/core/tcp/invariants.ts';
import type { InitialNumbers } from '../../src/core/tcp/listen/isn.ts';
import { EtherType } from '../../src/core/wire/ethernet.ts';
import { pattern } from '../harness/transcript.ts';

const PORT = 80;
const DAY = 24 * 3600 * SECOND;

/** Invariants after each turn, of each connection. */
export function watch(pair: Pair): void {
  pair.network.afterTurn = (stack) => {
    for (const { tcb } of stack.tcp.connections()) {
      const broken = brokenInvariant(tcb);
      if (broken !== null) throw new Error(`${broken} (${tcb.state})`);
    }
  };
}

/** A connection from a to b; `accepted` is its other end, once there is one. */
export function open(pair: Pair): { client: Connection; accepted: () => Connection | null } {
  const listener = pair.b.listen(ANY_ADDRESS, PORT, 8);
  let server: Connection | null = null;
  const client = pair.a.connect({ remoteAddress: ADDRESS_B, remotePort: PORT }, pair.network.now);
  return {
    client,
    accepted: () => {
      server ??= listener.accept();
      return server;
    },
  };
}

/** How a user ends: when all is written, or all of a sudden when that much is. */
interface Plan {
  /** Octets to write. */
  readonly total: number;
  /** Octets after which the user aborts; {@link NEVER}: does not. */
  readonly abortAt: number;
  /** How often it reads when it could, 0 to 1. */
  readonly eagerness: number;
}

/** One end of a stream: writes the pattern, reads what comes, as its plan and its chance will. */
class End {
  readonly connection: Connection;
  readonly #plan: Plan;
  readonly #random: Random;
  readonly #buffer = new Uint8Array(16_384);
  written = 0;
  received = 0;
  intact = true;
  aborted = false;

  constructor(connection: Connection, plan: Plan, random: Random) {
    this.connection = connection;
    this.#plan = plan;
    this.#random = random;
  }

  act(now: number): void {
    const { connection } = this;
    if (connection.error === null && this.#unwritten > 0) {
      const most = Math.min(this.#unwritten, 1 + uniform(this.#random, 20_000));
      this.written += connection.send(pattern(this.written, most));
    }
    if (this.written >= this.#plan.abortAt && !this.aborted) {
      this.aborted = true;
      connection.abort(now);
    }
    if (this.#unwritten === 0) connection.close(now);
    const { eagerness } = this.#plan;
    if (fraction(this.#random) < eagerness) this.read(1 + uniform(this.#random, 16_384));
  }

  read(most: number): void {
    const count = this.connection.receive(this.#buffer, 0, most);
    const expected = pattern(this.received, count);
    if (Buffer.compare(this.#buffer.subarray(0, count), expected) !== 0) this.intact = false;
    this.received += count;
  }

  /** Is there something that the user could do without waiting for the network? */
  get busy(): boolean {
    const { connection } = this;
    if (connection.error !== null) return connection.readable > 0;
    return connection.readable > 0 || (this.#unwritten > 0 && connection.writable > 0);
  }

  get done(): boolean {
    const { connection } = this;
    if (connection.readable > 0) return false;
    return connection.error !== null || (this.#unwritten === 0 && connection.ended);
  }

  get #unwritten(): number {
    return this.#plan.total - this.written;
  }
}

function randomImpairment(random: Random): ImpairmentOptions {
  const upTo = (most: number): number => (uniform(random, 2) === 0 ? 0 : fraction(random) * most);
  return {
    loss: upTo(0.2),
    duplication: upTo(0.2),
    reordering: upTo(0.3),
    corruption: upTo(0.1),
    jitter: 1 + uniform(random, 50 * MS),
    bursts: { begin: upTo(0.02), end: 0.1 + fraction(random) * 0.9, loss: 0.5 },
    fate,
  };
}

/** The loss of all requests for a station would end a connection, as it should. */
function fate(packet: PacketBuffer): FrameFate | null {
  return packet.view.getUint16(packet.link + 12) === EtherType.ARP ? 'pass' : null;
}

/** ISNs and timestamps that wrap soon, in one connection of two. */
function randomNumbers(random: Random): { readonly numbers?: InitialNumbers } {
  if (uniform(random, 2) === 0) return {};
  const isn = seq(-1 - uniform(random, 70_000));
  const offset = (-1 - uniform(random, 100_000)) >>> 0;
  return { numbers: { isn: () => isn, timestampOffset: () => offset } };
}

function randomPair(seed: number, random: Random): PairOptions {
  const pick = <T>(...values: readonly T[]): T => values[uniform(random, values.length)] as T;
  const host = (): NonNullable<PairOptions['a']> => ({
    impairment: randomImpairment(random),
    ...randomNumbers(random),
    config: {
      sendBuffer: pick(0, 1, 100, 5_000, 65_536, 1 << 20),
      wmemDefault: pick(4096, 1 << 20),
      receiveBuffer: pick(0, 1, 100, 5_000, 65_536, 1 << 20),
      mss: pick(0, 0, 64, 100, 536, 9000),
      timestamps: pick(true, false),
      windowScaling: pick(true, false),
      sack: pick(true, true, false),
      mtuProbing: pick('off', 'black-hole', 'always'),
      congestionControl: pick(...CONGESTION_CONTROLS),
      slowStart: pick(...SLOW_STARTS),
      pacing: pick(true, false, false),
      notSentLowWater: pick(0, 0, 1, 16_384),
      earlyRetransmit: pick(0, 3, 3, 4),
      noDelay: pick(true, false),
      cork: pick(false, false, false, true),
      // whoever is aborted and hears nothing of it finds out
      keepAlive: true,
      keepAliveIdle: 60 * SECOND,
      keepAliveCount: 60,
      // A path this bad may well lose 15 in a row of one thing: giving up is tested elsewhere.
      dataRetries: 60,
      synRetries: 60,
      synAckRetries: 60,
    },
  });
  return {
    seed,
    mtu: pick(576, 1500, 9000),
    delay: pick(0, MS, 20 * MS, 200 * MS),
    jitter: pick(0, 0, MS, 50 * MS),
    overtaking: pick(true, false),
    rate: pick(0, 0, 1e6, 100e6),
    queue: pick(5, 50, 1000),
    aqm: pick('none', 'none', 'pie'),
    start: SECOND + uniform(random, 0xffff_ffff) * 4,
    a: host(),
    b: host(),
  };
}

function randomPlan(connection: Connection, random: Random): Plan {
  const { sendBuffer, receiveBuffer } = connection.tcb.config;
  const isTiny = (octets: number): boolean => octets > 0 && octets < 200;
  const total = uniform(random, isTiny(sendBuffer) || isTiny(receiveBuffer) ? 300 : 60_000);
  return {
    total,
    abortAt: uniform(random, 8) === 0 ? uniform(random, total + 1) : NEVER,
    eagerness: uniform(random, 4) === 0 ? 0.05 : 0.7,
  };
}

/**
 * Two hosts, two users and a bad way between them, all by chance. Both streams arrive intact, both
 * connections end, nothing is left behind, and no invariant is broken in between.
 *
 * @throws Error naming the seed, if anything else goes wrong
 */
export function randomRun(t: ExecutionContext, seed: number): void {
  try {
    run(t, seed);
  } catch (error) {
    throw new Error(`seed ${seed}: ${error}`, { cause: error });
  }
}

function run(t: ExecutionContext, seed: number): void {
  const random = new Xoshiro128(seed);
  const pair = createPair(randomPair(seed, random));
  watch(pair);
  const { network } = pair;
  const { client, accepted } = open(pair);
  const a = new End(client, randomPlan(client, random), random);
  let b: End | null = null;
  const limit = network.now + 30 * DAY;
  const isDone = (): boolean => {
    const server = accepted();
    if (server !== null) b ??= new End(server, randomPlan(server, random), random);
    if (client.state !== 'SYN-SENT') a.act(network.now);
    b?.act(network.now);
    // who aborts at once may never have been heard of
    return a.done && (b === null ? a.aborted : b.done);
  };
  // Users act after each event, and, while there is something that they have not done, every 10 ms.
  while (!isDone() && network.now < limit) {
    network.settle();
    const soon = a.busy || (b as End | null)?.busy === true ? network.now + 10 * MS : NEVER;
    network.runTo(Math.min(network.next(), soon, limit));
  }
  const what = `seed ${seed}`;
  network.runTo(network.now + DAY);
  t.is(pair.a.tcp.connectionCount + pair.b.tcp.connectionCount, 0, `${what}: nothing is left`);
  t.is(network.next(), NEVER, `${what}: no timer is left`);
  const other: End | null = b;
  t.true(a.done && (other === null || (other as End).done), `${what}: both ends are done`);
  if (other === null) return;
  checkStreams(t, what, a, other);
}

function checkStreams(t: ExecutionContext, what: string, a: End, b: End): void {
  t.true(a.intact && b.intact, `${what}: the streams are intact`);
  t.true(a.received <= b.written && b.received <= a.written, `${what}: no more came than was sent`);
  if (a.aborted || b.aborted) return;
  t.is(a.connection.error ?? b.connection.error, null, what);
  t.is(a.received, b.written, what);
  t.is(b.received, a.written, what);
}
