import type { Libc } from './tapIoctl.ts';

/** Who is told what a descriptor is ready for. */
export interface FdEvents {
  onReadable(): void;
  /** Only while writability is watched. */
  onWritable(): void;
  /** The descriptor has an error and will never be ready again; nothing more is told. */
  onFailure(): void;
}

/** Tells, level-triggered, what a descriptor is ready for. */
export interface FdWatcher {
  /** Readability is always watched; writability while there is something to write. */
  watchWritable(on: boolean): void;
  /** Whether watching keeps the process running; it does from the start. */
  ref(): void;
  unref(): void;
  /** Ends it. `released` is called once the descriptor may be closed; no event comes after this. */
  close(released: () => void): void;
}

/** Watches by libuv's own poll where koffi offers it, else from a thread. */
export function watchFd(libc: Libc, fd: number, events: FdEvents): FdWatcher {
  // koffi.node is undocumented and may change: this is the only place that uses it
  return typeof libc.koffi.node?.poll === 'function'
    ? watchInLoop(libc, fd, events)
    : watchInThread(libc, fd, events);
}

function watchInLoop(libc: Libc, fd: number, events: FdEvents): FdWatcher {
  // called as (status, events) in koffi 3.3, declared as (events)
  const onPoll = (...args: readonly unknown[]): void => {
    const [status] = args;
    if (typeof status === 'number' && status < 0) {
      handle.stop();
      events.onFailure();
      return;
    }
    const ready = args.at(-1);
    if (typeof ready !== 'object' || ready === null) return;
    if ('writable' in ready && ready.writable === true) events.onWritable();
    if ('readable' in ready && ready.readable === true) events.onReadable();
  };
  // the caller must keep the watcher, and so this handle: one that is collected stops silently
  const handle = libc.koffi.node.poll(fd, { readable: true }, onPoll);
  return {
    watchWritable: (on) => handle.start({ readable: true, writable: on }, onPoll),
    ref: () => handle.ref(),
    unref: () => handle.unref(),
    close: (released) => {
      handle.close();
      released();
    },
  };
}

const POLLIN = 0x1;
const POLLOUT = 0x4;
const POLLERR = 0x8;
const POLLHUP = 0x10;
const POLLNVAL = 0x20;
/** How long one poll sleeps: as long as this the end of the process may be late. */
const THREAD_POLL_MS = 100;

/**
 * Watches by poll(2) in koffi's thread pool: 10 to 50 us slower, and a poll that waits keeps the
 * process running whatever `unref` says, so each has a limit.
 */
export function watchInThread(libc: Libc, fd: number, events: FdEvents): FdWatcher {
  const poll = libc.koffi.load(null).func('int poll(void *fds, unsigned long n, int timeout)');
  const record = new DataView(new ArrayBuffer(8)); // struct pollfd: int fd; short events, revents
  const octets = new Uint8Array(record.buffer);
  let writable = false;
  let waiting = false;
  let referenced = true;
  let released: (() => void) | null = null;

  const wait = (): void => {
    record.setInt32(0, fd, true);
    record.setInt16(4, writable ? POLLIN | POLLOUT : POLLIN, true);
    record.setInt16(6, 0, true);
    waiting = true;
    poll.async(octets, 1, referenced ? THREAD_POLL_MS : 0, onPolled);
  };
  const rest = (): void => {
    // unreferenced: asks now and then by a timer, which does not keep the process running
    if (referenced) wait();
    else setTimeout(again, 1).unref();
  };
  const again = (): void => {
    if (released === null && !waiting) wait();
  };
  const onPolled = (): void => {
    waiting = false;
    if (released !== null) {
      released();
      return;
    }
    const ready = record.getInt16(6, true);
    if ((ready & (POLLERR | POLLHUP | POLLNVAL)) !== 0) {
      events.onFailure();
      return;
    }
    if ((ready & POLLOUT) !== 0) events.onWritable();
    if (released === null && (ready & POLLIN) !== 0) events.onReadable();
    if (released === null) rest();
  };
  wait();
  return {
    watchWritable: (on) => {
      writable = on;
    },
    ref: () => {
      referenced = true;
      again();
    },
    unref: () => {
      referenced = false;
    },
    close: (done) => {
      released = done;
      if (!waiting) done();
    },
  };
}
