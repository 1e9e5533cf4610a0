import { type Micros, MS, NEVER } from '../../base/time.ts';
import type { Connection } from '../../tcp/connection.ts';
import { type CallOutcome, done, failed, type HostCall, Unsupported } from '../host/calls.ts';
import type { ConnectionQuery } from '../host/host.ts';
import {
  F_GETFD,
  F_GETFL,
  F_SETFD,
  F_SETFL,
  Msg,
  O_NONBLOCK,
  O_RDWR,
  Poll,
  SIOCINQ,
  SIOCOUTQ,
  SIOCOUTQNSD,
  SOCK_NONBLOCK,
} from '../host/numbers.ts';
import { checkCall } from './checkCall.ts';
import { close, shutdown } from './closing.ts';
import { Epoll } from './epoll.ts';
import { opensConnection, writeOpening } from './fastOpening.ts';
import { accept, bind, connect, listen } from './opening.ts';
import { readiness } from './readiness.ts';
import { type Attempt, SimulatedSocket, type SocketWorld } from './socket.ts';
import { getOption, setOption } from './socketOptions.ts';
import { read, write } from './transfer.ts';

/** The first descriptor that is not standard input, output or error. */
const FIRST_FD = 3;

/** A call as it is tried, again and again while it blocks. */
export interface BegunCall {
  readonly attempt: Attempt;
  /** What it returns when it may not wait. */
  readonly wouldBlock: CallOutcome | null;
  /** When it stops waiting by itself. */
  readonly until: Micros;
}

/** A call on a socket alone. */
type SocketCall = Exclude<
  HostCall,
  { name: 'socket' | 'poll' | 'epoll_create' | 'epoll_ctl' | 'epoll_wait' }
>;

/** The descriptors of a simulated host. */
export class SocketTable {
  readonly #world: SocketWorld;
  readonly #sockets = new Map<number, SimulatedSocket>();
  readonly #epolls = new Map<number, Epoll>();

  constructor(world: SocketWorld) {
    this.#world = world;
  }

  /** The socket of a descriptor; null: there is none. */
  get(fd: number): SimulatedSocket | null {
    return this.#sockets.get(fd) ?? null;
  }

  /** The connection with these ports of a socket that is open, though the connection may be over. */
  connected({ localPort, remotePort }: ConnectionQuery): Connection | null {
    for (const { connection } of this.#sockets.values()) {
      if (connection === null) continue;
      const { tcb } = connection;
      const isLocal = localPort === null || tcb.localPort === localPort;
      if (isLocal && (remotePort === null || tcb.remotePort === remotePort)) return connection;
    }
    return null;
  }

  /** What happened may have filled error queues. */
  observe(): void {
    for (const socket of this.#sockets.values()) socket.observe();
  }

  /** @throws Unsupported */
  begin(call: HostCall): BegunCall {
    checkCall(call);
    switch (call.name) {
      case 'socket':
        return atOnce(this.#socket(call.type));
      case 'poll':
        return this.#poll(call);
      case 'epoll_create':
        return atOnce(done(this.#add(new Epoll())));
      case 'epoll_ctl':
        return atOnce(this.#epollControl(call));
      case 'epoll_wait':
        return this.#epollWait(call);
      default:
        return this.#onSocket(call);
    }
  }

  #onSocket(call: SocketCall): BegunCall {
    const socket = this.get(call.fd);
    if (socket === null) return atOnce(this.#notASocket(call));
    switch (call.name) {
      case 'bind':
        return atOnce(bind(socket, call.port));
      case 'listen':
        return atOnce(listen(socket, call.backlog));
      case 'accept':
        return waiting(
          socket,
          accept(socket, (child) => this.#accepted(child, call.flags)),
        );
      case 'connect':
        return waiting(socket, connect(socket, call.to), 'EINPROGRESS');
      case 'read':
        return waitingUnless(call.flags, socket, read(socket, call.into, call.flags));
      case 'write':
        return this.#write(socket, call);
      case 'fcntl':
        return atOnce(fcntl(socket, call.command, call.value));
      case 'ioctl':
        return atOnce(ioctl(socket, call.request));
      case 'setsockopt':
        return atOnce(setOption(socket, call, call.value, call.length));
      case 'getsockopt':
        return atOnce(getOption(socket, call, call.length));
      case 'shutdown':
        return atOnce(shutdown(socket, call.how));
      case 'close':
        this.#sockets.delete(call.fd);
        for (const epoll of this.#epolls.values()) epoll.forget(socket);
        return { ...close(socket), wouldBlock: null };
    }
  }

  #socket(type: number): CallOutcome {
    const socket = new SimulatedSocket(this.#world);
    socket.isNonBlocking = (type & SOCK_NONBLOCK) !== 0;
    return done(this.#add(socket));
  }

  #accepted(child: SimulatedSocket, flags: number): number {
    child.isNonBlocking = (flags & SOCK_NONBLOCK) !== 0;
    return this.#add(child);
  }

  #add(file: SimulatedSocket | Epoll): number {
    let fd = FIRST_FD;
    while (this.#sockets.has(fd) || this.#epolls.has(fd)) fd++;
    if (file instanceof Epoll) this.#epolls.set(fd, file);
    else this.#sockets.set(fd, file);
    return fd;
  }

  #notASocket({ name, fd }: SocketCall): CallOutcome {
    if (!this.#epolls.has(fd)) return failed('EBADF');
    if (name !== 'close') return failed('ENOTSOCK');
    this.#epolls.delete(fd);
    return done();
  }

  #epollControl(call: Extract<HostCall, { name: 'epoll_ctl' }>): CallOutcome {
    const epoll = this.#epolls.get(call.fd);
    const socket = this.get(call.target);
    if (socket === null) return failed('EBADF');
    return epoll?.control(call.operation, socket, call.event) ?? failed('EINVAL');
  }

  #epollWait({ fd, most, timeoutMs }: Extract<HostCall, { name: 'epoll_wait' }>): BegunCall {
    const epoll = this.#epolls.get(fd);
    if (epoll === undefined || most <= 0) {
      return atOnce(failed(epoll === undefined && this.get(fd) === null ? 'EBADF' : 'EINVAL'));
    }
    return this.#until(timeoutMs, () => epoll.wait(most));
  }

  /** Waits for what `look` finds, or for the end of the time: then it is 0. */
  #until(timeoutMs: number, look: Attempt): BegunCall {
    const until = timeoutMs < 0 ? NEVER : this.#world.now() + timeoutMs * MS;
    const attempt = (): CallOutcome | null =>
      look() ?? (this.#world.now() >= until ? done() : null);
    return { attempt, wouldBlock: null, until };
  }

  #write(socket: SimulatedSocket, call: Extract<HostCall, { name: 'write' }>): BegunCall {
    const mayWait = !socket.isNonBlocking && (call.flags & Msg.DONTWAIT) === 0;
    const attempt = opensConnection(socket, call)
      ? writeOpening(socket, call, mayWait)
      : write(socket, call.from, call.flags, { mayWait });
    return waitingUnless(call.flags, socket, attempt);
  }

  #poll({ entries, timeoutMs }: Extract<HostCall, { name: 'poll' }>): BegunCall {
    const look = (): CallOutcome | null => {
      const revents = entries.map(({ fd, events }) => {
        const socket = this.get(fd);
        if (fd < 0) return 0;
        return socket === null ? Poll.NVAL : readiness(socket) & (events | Poll.ERR | Poll.HUP);
      });
      const count = revents.filter((bits) => bits !== 0).length;
      return count === 0 ? null : done(count, { kind: 'events', revents });
    };
    return this.#until(timeoutMs, look);
  }
}

function atOnce(outcome: CallOutcome): BegunCall {
  return { attempt: () => outcome, wouldBlock: null, until: NEVER };
}

/** Waits unless the socket is one that does not block. */
function waiting(socket: SimulatedSocket, attempt: Attempt, errno = 'EAGAIN'): BegunCall {
  return { attempt, wouldBlock: socket.isNonBlocking ? failed(errno) : null, until: NEVER };
}

function waitingUnless(flags: number, socket: SimulatedSocket, attempt: Attempt): BegunCall {
  const isNonBlocking = socket.isNonBlocking || (flags & Msg.DONTWAIT) !== 0;
  return { attempt, wouldBlock: isNonBlocking ? failed('EAGAIN') : null, until: NEVER };
}

function fcntl(socket: SimulatedSocket, command: number, value: number): CallOutcome {
  switch (command) {
    case F_GETFL:
      return done(O_RDWR | (socket.isNonBlocking ? O_NONBLOCK : 0));
    case F_SETFL:
      socket.isNonBlocking = (value & O_NONBLOCK) !== 0;
      return done();
    case F_GETFD:
    case F_SETFD:
      return done();
    default:
      throw new Unsupported(`fcntl command ${command}`);
  }
}

/** Linux's tcp_ioctl(): octets to be read, not acknowledged, and not sent. */
function ioctl(socket: SimulatedSocket, request: number): CallOutcome {
  if (socket.listener !== null) return failed('EINVAL');
  const { connection } = socket;
  const isOpen = connection !== null && !connection.state.startsWith('SYN');
  const number = (value: number): CallOutcome => done(0, { kind: 'number', value, length: 4 });
  switch (request) {
    case SIOCINQ:
      return number(isOpen ? connection.readable : 0);
    case SIOCOUTQ:
      return number(isOpen ? connection.unacknowledged : 0);
    case SIOCOUTQNSD:
      return number(isOpen ? connection.unsent : 0);
    default:
      throw new Unsupported(`ioctl 0x${request.toString(16)}`);
  }
}
