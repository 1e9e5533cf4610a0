import { type HostCall, Unsupported } from '../host/calls.ts';
import { IPPROTO_TCP, Level, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from '../host/numbers.ts';
import { checkOption } from './socketOptions.ts';
import { checkReadFlags, checkWriteFlags } from './transfer.ts';

/** Says that a call, with these arguments, is none that the simulated sockets know. @throws Unsupported */
export function checkCall(call: HostCall): void {
  switch (call.name) {
    case 'socket':
      checkSocket(call.type, call.protocol);
      return;
    case 'read':
      checkReadFlags(call.flags);
      return;
    case 'write':
      checkWriteFlags(call.flags);
      return;
    case 'setsockopt':
    case 'getsockopt':
      checkOption(call.level, call.option);
      return;
    default:
  }
}

function checkSocket(type: number, protocol: number): void {
  const kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (kind !== SOCK_STREAM) throw new Unsupported(`socket type ${kind}`);
  const isTcp = protocol === IPPROTO_TCP || protocol === Level.IP;
  if (!isTcp) throw new Unsupported(`protocol ${protocol}`);
}
