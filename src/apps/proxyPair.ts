import { IdleLimit } from './idleLimit.ts';
import { resetSocket, type SocketLike, type Timers } from './netLike.ts';

/** The two ways through a proxy, each named after its ends. */
export type Way = 'clientToServer' | 'serverToClient';

/** One value for each way. */
export interface PerWay<T> {
  readonly clientToServer: T;
  readonly serverToClient: T;
}

/** How long nothing may move, in milliseconds; 0: as long as it likes. */
export interface IdleLimits extends Partial<PerWay<number>> {
  /** Nothing in either direction. */
  readonly both?: number;
}

/** What a pair tells its proxy. */
export interface PairObserver {
  connected(): void;
  moved(way: Way, octets: number): void;
  halfClosed(way: Way): void;
  /** One end has failed, and the other one is being reset. */
  reset(way: Way, error: Error | null): void;
  /** There was no connection to pass anything to; the client is being reset. */
  upstreamFailed(error: Error | null): void;
  /** Nothing has moved for too long; both ends are being reset. */
  idle(limit: Way | 'both'): void;
  /** Both sockets are closed. The last call. */
  closed(): void;
}

type Side = 'client' | 'server';

/** The way that begins at a side. */
const WAY_FROM = { client: 'clientToServer', server: 'serverToClient' } as const;
const OTHER = { client: 'server', server: 'client' } as const;

/**
 * Two connections that are joined to one. What one side does is done to the other side: octets, the
 * end of octets, a reset. Each way ends by itself, and each socket closes itself when both its ways
 * have ended; so there is nothing that this code must decide, except after a failure.
 *
 * - Octets are taken from one side no faster than the other one takes them: what waits here is at
 *   most what the two streams hold.
 * - What a client sends before the server is reached waits in the stream that connects.
 */
export class ProxyPair {
  readonly #sockets: { readonly [S in Side]: SocketLike };
  readonly #observer: PairObserver;
  readonly #idle: PerWay<IdleLimit> & { readonly both: IdleLimit };
  #isConnected = false;
  /** It has failed, or was ended: what is left is waiting for the sockets to close. */
  #isOver = false;
  #open = 2;

  constructor(
    client: SocketLike,
    server: SocketLike,
    { limits, timers }: { readonly limits: IdleLimits; readonly timers: Timers },
    observer: PairObserver,
  ) {
    this.#sockets = { client, server };
    this.#observer = observer;
    const idle = (limit: Way | 'both'): IdleLimit =>
      new IdleLimit(timers, limits[limit] ?? 0, () => this.#onIdle(limit));
    this.#idle = {
      clientToServer: idle('clientToServer'),
      serverToClient: idle('serverToClient'),
      both: idle('both'),
    };
    server.on('connect', () => this.#connected());
    this.#join('client');
    this.#join('server');
  }

  /** Resets both ends: neither may take what it has got for all there is. */
  abort(): void {
    this.#end();
    resetSocket(this.#sockets.client);
    resetSocket(this.#sockets.server);
  }

  #join(side: Side): void {
    const way = WAY_FROM[side];
    const from = this.#sockets[side];
    const to = this.#sockets[OTHER[side]];
    // A proxy must not hold back what its client has chosen to send.
    from.setNoDelay(true);
    from.on('data', (chunk) => {
      if (this.#isOver) return;
      this.#observer.moved(way, chunk.length);
      this.#moves(way);
      if (!to.write(chunk)) from.pause();
    });
    to.on('drain', () => {
      if (this.#isOver) return;
      this.#moves(way);
      from.resume();
    });
    from.on('end', () => this.#ended(way, to));
    from.on('error', (error) => this.#failed(side, error));
    from.on('close', () => this.#closed(side));
  }

  #connected(): void {
    if (this.#isOver) return;
    this.#isConnected = true;
    this.#observer.connected();
    this.#idle.both.restart();
    for (const side of ['client', 'server'] as const) {
      if (!this.#sockets[side].readableEnded) this.#idle[WAY_FROM[side]].restart();
    }
  }

  /** Something goes this way. Until the server is reached, only the network sets limits. */
  #moves(way: Way): void {
    if (!this.#isConnected) return;
    this.#idle.both.restart();
    this.#idle[way].restart();
  }

  /** One side has nothing more to send: says so to the other one, which may have. */
  #ended(way: Way, to: SocketLike): void {
    if (this.#isOver) return;
    this.#idle[way].stop();
    if (this.#isConnected) this.#idle.both.restart();
    this.#observer.halfClosed(way);
    to.end();
  }

  #failed(side: Side, error: Error | null): void {
    if (this.#isOver) return;
    this.#end();
    const other = this.#sockets[OTHER[side]];
    if (side === 'server' && !this.#isConnected) this.#observer.upstreamFailed(error);
    else if (!other.destroyed) this.#observer.reset(WAY_FROM[side], error);
    resetSocket(other);
  }

  #onIdle(limit: Way | 'both'): void {
    this.#observer.idle(limit);
    this.abort();
  }

  #closed(side: Side): void {
    const { readableEnded, writableFinished } = this.#sockets[side];
    // Somebody else has destroyed it, as a stack does that is being closed.
    if (!readableEnded || !writableFinished) this.#failed(side, null);
    this.#open--;
    if (this.#open > 0) return;
    this.#end();
    this.#observer.closed();
  }

  #end(): void {
    this.#isOver = true;
    this.#idle.clientToServer.stop();
    this.#idle.serverToClient.stop();
    this.#idle.both.stop();
  }
}
