import {
  checkDelayMs,
  HOST_TIMERS,
  type NetLike,
  resetSocket,
  type ServerLike,
  type SocketLike,
  type Timers,
} from './netLike.ts';
import {
  type IdleLimits,
  type PairObserver,
  type PerWay,
  ProxyPair,
  type Way,
} from './proxyPair.ts';

export type { IdleLimits, PerWay, Way } from './proxyPair.ts';

/** Silence in both directions after which a pair is reset. */
const DEFAULT_IDLE_MS = 5 * 60 * 1000;
const MAX_PORT = 65_535;

/** What a {@link HalfCloseProxy} is made with. */
export interface HalfCloseProxyOptions {
  /** Where clients are accepted: node:net, or the `net` of a stack. */
  readonly net: NetLike;
  /** Where they are connected to; its `net` is that of the clients if not given. */
  readonly upstream: {
    readonly net?: NetLike;
    readonly host: string;
    readonly port: number;
  };
  /**
   * Silence, in milliseconds, after which both ends are reset; a number means silence in both
   * directions, 0 never. It counts from when the upstream is reached; a direction that has ended is
   * not silent. What a TCP still holds for a slow reader moves unseen. Default: both directions,
   * 5 minutes.
   */
  readonly idleTimeoutMs?: number | IdleLimits;
  /** More clients than this at a time are reset at once. Default: no limit. */
  readonly maxConnections?: number;
  readonly timers?: Timers;
  readonly onEvent?: (event: ProxyEvent) => void;
}

/** What a proxy has done. */
export interface ProxyCounters {
  /** Clients for which an upstream was tried. */
  readonly accepted: number;
  /** Those of them that have not closed on both sides. */
  readonly active: number;
  /** Clients that were reset because there were too many. */
  readonly refused: number;
  readonly upstreamFailures: number;
  readonly idleTimeouts: number;
  /** Octets that were passed on. */
  readonly octets: PerWay<number>;
  /** Ends that were passed on. */
  readonly halfCloses: PerWay<number>;
  /** Failures that were passed on as resets. */
  readonly resets: PerWay<number>;
}

/** Something that happened to the client of this number; they are counted from 1 on. */
export type ProxyEvent =
  | { readonly kind: 'accepted' | 'connected' | 'closed'; readonly client: number }
  | { readonly kind: 'half-close'; readonly client: number; readonly way: Way }
  | {
      readonly kind: 'reset';
      readonly client: number;
      readonly way: Way;
      /** Null: the socket was destroyed by somebody else. */
      readonly error: Error | null;
    }
  | { readonly kind: 'upstream-failed'; readonly client: number; readonly error: Error | null }
  | { readonly kind: 'idle'; readonly client: number; readonly limit: Way | 'both' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'listener-failed'; readonly error: Error };

/** Where a proxy listens. */
export interface ProxyAddress {
  readonly address: string;
  readonly port: number;
}

/**
 * A proxy that passes on what each side does: the end of what it reads from one side becomes a
 * shutdown of the send side towards the other, a reset becomes a reset. A connection is over when
 * both sides have ended, or one has failed, and never before. So a client that sends its request,
 * closes its send side and waits hours for the answer gets it, where a proxy that closes as soon as
 * a read gives 0 loses it.
 *
 * A reset that arrives while the far side is too slow to take what came before it is noticed when
 * that has been passed on: a stream that is full does not look further. (Sockets of node:net may
 * then even take it for an end, if octets were unread in the kernel; those of a stack do not.)
 *
 * @throws RangeError for a port, a limit or a time that cannot be
 */
export function halfCloseProxy(options: HalfCloseProxyOptions): HalfCloseProxy {
  return new HalfCloseProxy(options);
}

type Counts = Record<Way, number>;

/** See {@link halfCloseProxy}. */
export class HalfCloseProxy {
  readonly #upstream: HalfCloseProxyOptions['upstream'];
  readonly #upstreamNet: NetLike;
  readonly #limits: IdleLimits;
  readonly #maxConnections: number;
  readonly #timers: Timers;
  readonly #onEvent: (event: ProxyEvent) => void;
  readonly #server: ServerLike;
  readonly #pairs = new Set<ProxyPair>();
  #isListening = false;
  #closing: Promise<void> | null = null;
  /** Told when there are no pairs any more. */
  #onDrained: (() => void) | null = null;

  #accepted = 0;
  #refused = 0;
  #upstreamFailures = 0;
  #idleTimeouts = 0;
  readonly #octets = noCounts();
  readonly #halfCloses = noCounts();
  readonly #resets = noCounts();

  constructor(options: HalfCloseProxyOptions) {
    const { net, upstream, timers = HOST_TIMERS, onEvent = () => {} } = options;
    this.#upstream = upstream;
    this.#upstreamNet = upstream.net ?? net;
    this.#limits = checkLimits(options.idleTimeoutMs ?? DEFAULT_IDLE_MS);
    this.#maxConnections = options.maxConnections ?? Number.POSITIVE_INFINITY;
    this.#timers = timers;
    this.#onEvent = onEvent;
    checkPort(upstream.port);
    if (!(this.#maxConnections >= 1)) {
      throw new RangeError(`maxConnections is ${options.maxConnections}: it must be 1 or more`);
    }
    this.#server = net.createServer({ allowHalfOpen: true }, (socket) => this.#onClient(socket));
    this.#server.on('error', (error) => {
      if (this.#isListening) this.#onEvent({ kind: 'listener-failed', error });
    });
  }

  /** Begins to accept clients. @returns where @throws what the server fails with: EADDRINUSE, ... */
  listen(at: { readonly port: number; readonly host?: string }): Promise<ProxyAddress> {
    return new Promise((resolve, reject) => {
      this.#server.on('error', reject);
      this.#server.listen(at, () => {
        this.#isListening = true;
        const address = this.#server.address();
        if (address === null || typeof address === 'string')
          reject(new Error('it does not listen'));
        else resolve({ address: address.address, port: address.port });
      });
    });
  }

  /**
   * Accepts no more clients, and resets those that are there: an end would tell them that they have
   * got all. Resolves when all sockets are closed.
   */
  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  get counters(): ProxyCounters {
    return {
      accepted: this.#accepted,
      active: this.#pairs.size,
      refused: this.#refused,
      upstreamFailures: this.#upstreamFailures,
      idleTimeouts: this.#idleTimeouts,
      octets: { ...this.#octets },
      halfCloses: { ...this.#halfCloses },
      resets: { ...this.#resets },
    };
  }

  async #shutDown(): Promise<void> {
    const unlistened = new Promise<void>((resolve) => this.#server.close(resolve));
    for (const pair of [...this.#pairs]) pair.abort();
    if (this.#pairs.size > 0) {
      await new Promise<void>((resolve) => {
        this.#onDrained = resolve;
      });
    }
    await unlistened;
  }

  #onClient(client: SocketLike): void {
    if (this.#pairs.size >= this.#maxConnections || this.#closing !== null) {
      client.on('error', () => {}); // of no interest any more
      this.#refused++;
      resetSocket(client);
      this.#onEvent({ kind: 'refused' });
      return;
    }
    const number = ++this.#accepted;
    const { host, port } = this.#upstream;
    const server = this.#upstreamNet.connect({ host, port, allowHalfOpen: true });
    const settings = { limits: this.#limits, timers: this.#timers };
    const observer = this.#observe(number, () => this.#closed(pair));
    const pair = new ProxyPair(client, server, settings, observer);
    this.#pairs.add(pair);
    this.#onEvent({ kind: 'accepted', client: number });
  }

  #observe(client: number, onClosed: () => void): PairObserver {
    const tell = this.#onEvent;
    return {
      connected: () => tell({ kind: 'connected', client }),
      moved: (way, octets) => {
        this.#octets[way] += octets;
      },
      halfClosed: (way) => {
        this.#halfCloses[way]++;
        tell({ kind: 'half-close', client, way });
      },
      reset: (way, error) => {
        this.#resets[way]++;
        tell({ kind: 'reset', client, way, error });
      },
      upstreamFailed: (error) => {
        this.#upstreamFailures++;
        tell({ kind: 'upstream-failed', client, error });
      },
      idle: (limit) => {
        this.#idleTimeouts++;
        tell({ kind: 'idle', client, limit });
      },
      closed: () => {
        onClosed();
        tell({ kind: 'closed', client });
      },
    };
  }

  #closed(pair: ProxyPair): void {
    this.#pairs.delete(pair);
    if (this.#pairs.size === 0) this.#onDrained?.();
  }
}

function noCounts(): Counts {
  return { clientToServer: 0, serverToClient: 0 };
}

function checkLimits(idleTimeoutMs: number | IdleLimits): IdleLimits {
  const limits = typeof idleTimeoutMs === 'number' ? { both: idleTimeoutMs } : idleTimeoutMs;
  for (const [name, limit] of Object.entries(limits)) {
    checkDelayMs(limit, `idleTimeoutMs.${name}`, 0);
  }
  return limits;
}

function checkPort(port: number): void {
  if (Number.isInteger(port) && port >= 1 && port <= MAX_PORT) return;
  throw new RangeError(`upstream.port is ${port}: it must be from 1 to ${MAX_PORT}`);
}
