import type { Micros } from '../../core/base/time.ts';
import type { Stack } from '../../core/stack/stack.ts';

/** Something that is to end when its stack does: an open socket, a listening server. */
export interface Endpoint {
  /** The stack is closed: reset what is open, at once. */
  shutDown(): void;
}

/** The timers of a host, which never keep its process running by themselves. */
export interface Timers {
  /** @param delayMs 1 to 2^31 - 1 @returns what {@link clearTimeout} takes; never null */
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(timer: unknown): void;
}

/** What sockets and servers need of the host of their stack. */
export interface NetHost {
  readonly core: Stack;
  /** The stack is closed, or is being closed: nothing can be opened. */
  readonly closed: boolean;
  readonly timers: Timers;
  now(): Micros;
  /**
   * Runs the task when the running turn, or else the next one, is over: user code is called from
   * such tasks alone, and one that throws keeps no other from running.
   */
  defer(task: () => void): void;
  /** What is to be told when the stack is closed. */
  addEndpoint(endpoint: Endpoint): void;
  removeEndpoint(endpoint: Endpoint): void;
  /** While anything is held, the process goes on even if the stack itself is unreferenced. */
  hold(handle: object): void;
  drop(handle: object): void;
}
