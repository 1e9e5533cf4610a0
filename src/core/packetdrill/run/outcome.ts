import type { Expression, SystemCall } from '../ast.ts';
import type { CallOutcome, EpollEvent, Readback } from '../host/calls.ts';
import { flagNames, isSameErrno } from '../symbols.ts';
import { compareControl, type ScriptClock } from './control.ts';
import type { Difference } from './match.ts';
import { epollEvent, fieldOf, fieldsOf, isEllipsis, itemsOf, numberOf } from './values.ts';

/** Calls whose result names a descriptor: that they succeed is all that counts. */
const NAMING = new Set(['socket', 'accept', 'accept4', 'open', 'epoll_create', 'epoll_create1']);

/** Does the result of this call name a descriptor of the script? */
export function namesDescriptor({ name }: SystemCall): boolean {
  return NAMING.has(name);
}

/** What a call returned, beside what the script says. @throws Unsupported */
export function compareOutcome(
  call: SystemCall,
  outcome: CallOutcome,
  clock: ScriptClock,
): Difference[] {
  const { value, errno, readback } = outcome;
  const got = errno === null ? `${value}` : `${value} ${errno}`;
  if (isEllipsis(call.result)) return [];
  const wanted = numberOf(call.result);
  const expected = call.errno === null ? `${wanted}` : `${wanted} ${call.errno}`;
  const isRight = namesDescriptor(call) && wanted >= 0 ? value >= 0 : value === wanted;
  const isError = call.errno === null || (errno !== null && isSameErrno(errno, call.errno));
  if (!isRight || !isError) return [{ field: 'result', expected, actual: got }];
  return value < 0 || readback === null ? [] : compareReadback(call, readback, clock);
}

function compareReadback(call: SystemCall, readback: Readback, clock: ScriptClock): Difference[] {
  const args = call.arguments;
  switch (call.name) {
    case 'getsockopt':
      return compareOption(args[3], args[4], readback);
    case 'ioctl':
      return readback.kind === 'number' ? compareNumber('value', args[2], readback.value) : [];
    case 'poll':
      return readback.kind === 'events' ? compareEvents(args[0], readback.revents) : [];
    case 'epoll_wait':
      return readback.kind === 'epoll' ? compareEpoll(args[1], readback.events) : [];
    case 'recvmsg':
      return readback.kind === 'message' ? compareMessage(args[1], readback, clock) : [];
    default:
      return [];
  }
}

function compareMessage(
  message: Expression | undefined,
  { flags, control }: Extract<Readback, { kind: 'message' }>,
  clock: ScriptClock,
): Difference[] {
  const fields = fieldsOf(message);
  return [
    ...compareNumber('msg_flags', fieldOf(fields, 'msg_flags'), flags),
    ...compareControl(fieldOf(fields, 'msg_control'), control, clock),
  ];
}

function compareNumber(
  field: string,
  expression: Expression | undefined,
  actual: number,
): Difference[] {
  if (isEllipsis(expression)) return [];
  const expected = numberOf(expression);
  if (expected === actual || isSameInt(expected, actual)) return [];
  return [{ field, expected: `${expected}`, actual: `${actual}` }];
}

/** Are they the same 32 bits, of which scripts may write the highest as a sign? */
function isSameInt(a: number, b: number): boolean {
  return Math.abs(a) < 2 ** 32 && Math.abs(b) < 2 ** 32 && (a | 0) === (b | 0);
}

function compareOption(
  value: Expression | undefined,
  length: Expression | undefined,
  readback: Readback,
): Difference[] {
  if (readback.kind === 'linger') {
    const fields = fieldsOf(value);
    return [
      ...compareNumber('onoff', fieldOf(fields, 'onoff'), readback.on),
      ...compareNumber('linger', fieldOf(fields, 'linger'), readback.seconds),
    ];
  }
  if (readback.kind === 'text') {
    const inner = itemsOf(value)[0] ?? value;
    const expected = inner?.kind === 'string' ? inner.value : null;
    if (expected === null || expected === readback.value) return [];
    return [{ field: 'value', expected, actual: readback.value }];
  }
  if (readback.kind !== 'number') return [];
  return [
    ...compareNumber('value', value, readback.value),
    ...compareNumber('length', length, readback.length),
  ];
}

function compareEvents(entries: Expression | undefined, revents: readonly number[]): Difference[] {
  return itemsOf(entries).flatMap((entry, i) => {
    const expected = fieldOf(fieldsOf(entry), 'revents');
    const actual = revents[i] ?? 0;
    if (isEllipsis(expected) || numberOf(expected) === actual) return [];
    const text = (events: number): string => flagNames(events, 'POLL');
    const wanted = text(numberOf(expected));
    return [{ field: `revents of entry ${i}`, expected: wanted, actual: text(actual) }];
  });
}

/** `{...}`, or `[{...}, {...}]` of several. */
function compareEpoll(
  expected: Expression | undefined,
  events: readonly EpollEvent[],
): Difference[] {
  if (isEllipsis(expected)) return [];
  const all = expected?.kind === 'list' ? expected.items : [expected];
  return events.flatMap((event, i) => {
    const wanted = epollEvent(all[i]);
    const differences: Difference[] = [];
    if (wanted.events !== event.events) {
      const [want, got] = [wanted.events, event.events].map((bits) => flagNames(bits, 'EPOLL'));
      differences.push({ field: `events of entry ${i}`, expected: `${want}`, actual: `${got}` });
    }
    if (wanted.data === event.data) return differences;
    const [want, got] = [`${wanted.data}`, `${event.data}`];
    return [...differences, { field: `data of entry ${i}`, expected: want, actual: got }];
  });
}
