import type { Expression, SystemCall } from '../ast.ts';
import {
  type Buffers,
  type Destination,
  type HostCall,
  type OptionValue,
  Unsupported,
} from '../host/calls.ts';
import { Msg, SOCK_NONBLOCK } from '../host/numbers.ts';
import type { Settings } from './settings.ts';
import { epollEvent, fieldOf, fieldsOf, isEllipsis, itemsOf, numberOf } from './values.ts';

/** A descriptor of the script as one of the host. */
export type FdOf = (script: number) => number;

/** Octets of an int. */
const INT = 4;
const AF_UNSPEC = 0;

/**
 * A call as a host gets it.
 * @throws Unsupported
 */
export function translate(call: SystemCall, settings: Settings, fdOf: FdOf): HostCall {
  const { name, arguments: args } = call;
  if (name === 'socket') {
    const domain = args[0];
    if (!isEllipsis(domain) && numberOf(domain) !== 2) throw new Unsupported('IPv6 sockets');
    return { name, type: numberOf(args[1], 1), protocol: numberOf(args[2]) };
  }
  if (name === 'poll') return poll(args, fdOf);
  if (name === 'epoll_create') return { name, flags: 0 };
  if (name === 'epoll_create1') return { name: 'epoll_create', flags: numberOf(args[0]) };
  const fd = fdOf(numberOf(args[0]));
  switch (name) {
    case 'bind':
      return { name, fd, port: portOf(args[1]) ?? settings.bindPort };
    case 'listen':
      return { name, fd, backlog: numberOf(args[1]) };
    case 'accept':
    case 'accept4':
      return { name: 'accept', fd, flags: numberOf(args[3]) & SOCK_NONBLOCK };
    case 'connect':
      return { name, fd, to: destination(args[1], settings) };
    case 'fcntl':
      return { name, fd, command: numberOf(args[1]), value: numberOf(args[2]) };
    case 'ioctl':
      return { name, fd, request: numberOf(args[1]) };
    case 'setsockopt': {
      const value = optionValue(args[3]);
      const otherwise = value.kind === 'linger' ? 2 * INT : INT;
      const length = numberOf(args[4], otherwise);
      return { name, fd, level: numberOf(args[1]), option: numberOf(args[2]), value, length };
    }
    case 'getsockopt': {
      const length = Math.max(INT, numberOf(args[4], INT));
      return { name, fd, level: numberOf(args[1]), option: numberOf(args[2]), length };
    }
    case 'shutdown':
      return { name, fd, how: numberOf(args[1]) };
    case 'close':
      return { name, fd };
    case 'epoll_ctl':
      return {
        name,
        fd,
        operation: numberOf(args[1]),
        target: fdOf(numberOf(args[2])),
        event: args[3]?.kind === 'structure' ? epollEvent(args[3]) : { events: 0, data: 0 },
      };
    case 'epoll_wait':
      return { name, fd, most: numberOf(args[2]), timeoutMs: numberOf(args[3]) };
    default:
      return transfer(name, args, fd, settings);
  }
}

function transfer(
  name: string,
  args: readonly Expression[],
  fd: number,
  settings: Settings,
): HostCall {
  switch (name) {
    case 'read':
      return readInto(fd, buffer(args[1], args[2]));
    case 'recv':
    case 'recvfrom':
      return readInto(fd, buffer(args[1], args[2]), numberOf(args[3]));
    case 'readv':
      return readInto(fd, vector(args[1]));
    case 'recvmsg':
      return {
        ...readInto(fd, messageVector(args[1]), numberOf(args[2])),
        wantsControl: wantsControl(args[1], args[2]),
      };
    case 'write':
      return { name: 'write', fd, from: buffer(args[1], args[2]), flags: 0, to: null };
    case 'send':
      return {
        name: 'write',
        fd,
        from: buffer(args[1], args[2]),
        flags: numberOf(args[3]),
        to: null,
      };
    case 'sendto': {
      const to = args[4] === undefined ? null : destination(args[4], settings);
      return { name: 'write', fd, from: buffer(args[1], args[2]), flags: numberOf(args[3]), to };
    }
    case 'writev':
      return { name: 'write', fd, from: vector(args[1]), flags: 0, to: null };
    case 'sendmsg': {
      if (itemsOf(fieldOf(fieldsOf(args[1]), 'msg_control')).length > 0) {
        throw new Unsupported('sendmsg with control data');
      }
      return {
        name: 'write',
        fd,
        from: messageVector(args[1]),
        flags: numberOf(args[2]),
        to: null,
      };
    }
    default:
      throw new Unsupported(`system call ${name}`);
  }
}

function wantsControl(message: Expression | undefined, flags: Expression | undefined): boolean {
  const isErrorQueue = (numberOf(flags) & Msg.ERRQUEUE) !== 0;
  return isErrorQueue || itemsOf(fieldOf(fieldsOf(message), 'msg_control')).length > 0;
}

function readInto(fd: number, into: Buffers, flags = 0): Extract<HostCall, { name: 'read' }> {
  return { name: 'read', fd, into, flags, wantsControl: false };
}

/** A buffer of one call: `...`, text, or NULL. */
function buffer(pointer: Expression | undefined, length: Expression | undefined): Buffers {
  const isBad =
    pointer !== undefined &&
    (pointer.kind === 'integer' || pointer.kind === 'symbol') &&
    numberOf(pointer) === 0;
  return { lengths: [lengthOf(numberOf(length))], isBad };
}

/** Of what the largest call of a script asks, no more is moved than a socket could hold. */
function lengthOf(octets: number): number {
  if (octets < 0 || octets > 2 ** 31) throw new Unsupported(`a buffer of ${octets} octets`);
  return octets;
}

/** `[{..., 100}, {..., 200}]` */
function vector(expression: Expression | undefined): Buffers {
  const lengths = itemsOf(expression).map((item) => {
    const fields = fieldsOf(item);
    return lengthOf(numberOf(fields[1]?.value));
  });
  return { lengths, isBad: false };
}

function messageVector(expression: Expression | undefined): Buffers {
  return vector(fieldOf(fieldsOf(expression), 'msg_iov'));
}

/** Where a connection goes: to the remote end, unless the script says more. */
function destination(expression: Expression | undefined, settings: Settings): Destination {
  if (expression?.kind === 'structure') {
    const family = fieldOf(expression.fields, 'sa_family');
    if (family !== undefined && numberOf(family) === AF_UNSPEC) return 'nobody';
  }
  if (expression?.kind === 'symbol' && numberOf(expression) === AF_UNSPEC) return 'nobody';
  return { port: portOf(expression) ?? settings.connectPort };
}

/** `{sa_family = AF_INET, sin_port = htons(8080), ...}`; null: it says no port. */
function portOf(expression: Expression | undefined): number | null {
  if (expression?.kind !== 'structure') return null;
  const port = fieldOf(expression.fields, 'sin_port');
  return port === undefined || isEllipsis(port) ? null : numberOf(port);
}

function optionValue(expression: Expression | undefined): OptionValue {
  if (expression?.kind === 'string') return { kind: 'text', value: expression.value };
  const inner = itemsOf(expression)[0] ?? expression;
  if (inner?.kind === 'string') return { kind: 'text', value: inner.value };
  if (inner?.kind === 'structure') {
    const onoff = fieldOf(inner.fields, 'onoff');
    if (onoff === undefined) throw new Unsupported('an option that is a structure');
    const seconds = numberOf(fieldOf(inner.fields, 'linger'));
    return { kind: 'linger', on: numberOf(onoff), seconds };
  }
  return { kind: 'number', value: numberOf(inner) };
}

function poll(args: readonly Expression[], fdOf: FdOf): HostCall {
  const entries = itemsOf(args[0]).map((item) => {
    const fields = fieldsOf(item);
    return {
      fd: fdOf(numberOf(fieldOf(fields, 'fd'))),
      events: numberOf(fieldOf(fields, 'events')),
    };
  });
  return { name: 'poll', entries, timeoutMs: numberOf(args[2]) };
}
