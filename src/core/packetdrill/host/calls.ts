import type { Micros } from '../../base/time.ts';

/**
 * System calls as a host gets them: descriptors are the host's own, numbers are Linux's, symbols
 * and the addresses of the script are resolved. What a host does not know it says: see
 * {@link Unsupported}.
 */

/** A buffer of a call that reads or writes, of which only the length matters: it is all zeros. */
export interface Buffers {
  /** Lengths, in order; several of readv, writev, sendmsg and recvmsg. */
  readonly lengths: readonly number[];
  /** The pointer is no valid one: NULL. */
  readonly isBad: boolean;
}

/** Value of a socket option that is set. */
export type OptionValue =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'linger'; readonly on: number; readonly seconds: number }
  | { readonly kind: 'text'; readonly value: string };

/** One entry of poll(). */
export interface PollEntry {
  readonly fd: number;
  readonly events: number;
}

/** `struct epoll_event`. */
export interface EpollEvent {
  readonly events: number;
  /** Given back as it is: `fd`, `u32`, `u64` or `ptr`. */
  readonly data: number;
}

/** Who is connected to: a port of the remote host, or nobody (AF_UNSPEC). */
export type Destination = { readonly port: number } | 'nobody';

export type HostCall =
  | { readonly name: 'socket'; readonly type: number; readonly protocol: number }
  | { readonly name: 'bind'; readonly fd: number; readonly port: number }
  | { readonly name: 'listen'; readonly fd: number; readonly backlog: number }
  /** `flags`: SOCK_NONBLOCK. */
  | { readonly name: 'accept'; readonly fd: number; readonly flags: number }
  | { readonly name: 'connect'; readonly fd: number; readonly to: Destination }
  | {
      readonly name: 'read';
      readonly fd: number;
      readonly into: Buffers;
      readonly flags: number;
      /** Control messages are looked at. */
      readonly wantsControl: boolean;
    }
  | {
      readonly name: 'write';
      readonly fd: number;
      readonly from: Buffers;
      readonly flags: number;
      /** Of sendto and sendmsg; null: none given. */
      readonly to: Destination | null;
    }
  | {
      readonly name: 'fcntl';
      readonly fd: number;
      readonly command: number;
      readonly value: number;
    }
  | { readonly name: 'ioctl'; readonly fd: number; readonly request: number }
  | {
      readonly name: 'setsockopt';
      readonly fd: number;
      readonly level: number;
      readonly option: number;
      readonly value: OptionValue;
      readonly length: number;
    }
  | {
      readonly name: 'getsockopt';
      readonly fd: number;
      readonly level: number;
      readonly option: number;
      /** Octets of the caller's buffer. */
      readonly length: number;
    }
  | { readonly name: 'shutdown'; readonly fd: number; readonly how: number }
  | { readonly name: 'close'; readonly fd: number }
  /** `timeoutMs` -1: for ever. */
  | { readonly name: 'poll'; readonly entries: readonly PollEntry[]; readonly timeoutMs: number }
  | { readonly name: 'epoll_create'; readonly flags: number }
  | {
      readonly name: 'epoll_ctl';
      readonly fd: number;
      readonly operation: number;
      /** The descriptor that is watched. */
      readonly target: number;
      readonly event: EpollEvent;
    }
  /** `most`: events that are told at once. */
  | {
      readonly name: 'epoll_wait';
      readonly fd: number;
      readonly most: number;
      readonly timeoutMs: number;
    };

/** What a call wrote into the memory of its caller. */
export type Readback =
  | { readonly kind: 'number'; readonly value: number; readonly length: number }
  | { readonly kind: 'linger'; readonly on: number; readonly seconds: number }
  | { readonly kind: 'text'; readonly value: string }
  /** Of poll, in the order of its entries. */
  | { readonly kind: 'events'; readonly revents: readonly number[] }
  | { readonly kind: 'epoll'; readonly events: readonly EpollEvent[] }
  /** `msg_flags` and `msg_control` of recvmsg. */
  | {
      readonly kind: 'message';
      readonly flags: number;
      readonly control: readonly ControlMessage[];
    };

/** One control message. */
export interface ControlMessage {
  readonly level: number;
  readonly type: number;
  readonly data: ControlData;
}

/** What a control message says: a number, a time (SCM_TIMESTAMPING), or a `struct sock_extended_err`. */
export type ControlData =
  | { readonly kind: 'number'; readonly value: number }
  /** On the host's clock. */
  | { readonly kind: 'time'; readonly at: Micros }
  | { readonly kind: 'error'; readonly error: ExtendedError };

/** `struct sock_extended_err`, without its `ee_`. */
export interface ExtendedError {
  readonly errno: number;
  readonly origin: number;
  readonly type: number;
  readonly code: number;
  readonly info: number;
  readonly data: number;
}

/** How a call returned. */
export interface CallOutcome {
  /** -1: it failed. */
  readonly value: number;
  /** `EAGAIN`; null: it did not fail. */
  readonly errno: string | null;
  readonly readback: Readback | null;
}

/** Success. */
export function done(value = 0, readback: Readback | null = null): CallOutcome {
  return { value, errno: null, readback };
}

/** Failure. @param errno `EAGAIN` */
export function failed(errno: string): CallOutcome {
  return { value: -1, errno, readback: null };
}

/** Thrown for what a host does not know: the script is neither passed nor failed. */
export class Unsupported extends Error {
  /** @param what a word or a few: `socket option 17 of level 6` */
  constructor(what: string) {
    super(what);
    this.name = 'Unsupported';
  }
}
