import type { ApplicationCall, EndName, Sidecar, SidecarEnd } from './sidecar.ts';

/**
 * Reads a sidecar, of which every part may be wrong, missing or strange: it is made by hand.
 */

/** What a sidecar is not, in one line. */
export class SidecarError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SidecarError';
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** Most calls of one end. */
const MAX_CALLS = 1_000_000;
const STACKS = ['linux', 'glasstcp', 'crafted'];

/** @throws SidecarError */
export function readSidecar(text: string): Sidecar {
  const root = fields(parse(text), 'the sidecar');
  const ends = fields(root['ends'], 'ends');
  const capturedAt = root['capturedAt'];
  if (capturedAt !== 'client' && capturedAt !== 'server') {
    throw new SidecarError('capturedAt must be "client" or "server"');
  }
  const { otherEnd, kernel } = root;
  return {
    description: typeof root['description'] === 'string' ? root['description'] : '',
    ...(typeof kernel === 'string' && { kernel }),
    ...(root['sysctls'] !== undefined && { sysctls: sysctls(root['sysctls']) }),
    ...(typeof otherEnd === 'string' && { otherEnd }),
    capturedAt,
    link: typeof root['link'] === 'string' ? root['link'] : '',
    ends: { client: readEnd(ends, 'client'), server: readEnd(ends, 'server') },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SidecarError(`no JSON: ${why.split('\n')[0]}`);
  }
}

function readEnd(ends: Fields, name: EndName): SidecarEnd {
  const where = `ends.${name}`;
  const end = fields(ends[name], where);
  const { address, stack } = end;
  if (typeof address !== 'string') throw new SidecarError(`${where}.address must be text`);
  if (!isStack(stack)) {
    throw new SidecarError(`${where}.stack must be one of ${STACKS.join(', ')}`);
  }
  const replay = end['replay'];
  return {
    address,
    stack,
    port: numberIn(end['port'], [0, 65_535], `${where}.port`),
    mtu: numberIn(end['mtu'], [68, 65_535], `${where}.mtu`),
    calls: readCalls(end['calls'], `${where}.calls`),
    ...(replay !== undefined && { replay: readReplay(replay, `${where}.replay`) }),
  };
}

function isStack(stack: unknown): stack is SidecarEnd['stack'] {
  return typeof stack === 'string' && STACKS.includes(stack);
}

function readReplay(value: unknown, where: string): NonNullable<SidecarEnd['replay']> {
  const { mode, floor, reason } = fields(value, where);
  if (mode !== 'strict' && mode !== 'semantic') {
    throw new SidecarError(`${where}.mode must be "strict" or "semantic"`);
  }
  return {
    mode,
    floor: numberIn(floor, [0, 1], `${where}.floor`),
    ...(typeof reason === 'string' && { reason }),
  };
}

function readCalls(value: unknown, where: string): ApplicationCall[] {
  if (!Array.isArray(value)) throw new SidecarError(`${where} must be a list`);
  if (value.length > MAX_CALLS) throw new SidecarError(`${where} has more than ${MAX_CALLS}`);
  return value.map((call, i) => readCall(fields(call, `${where}[${i}]`), `${where}[${i}]`));
}

function readCall(call: Fields, where: string): ApplicationCall {
  const FOREVER: Range = [-1e9, 1e9];
  const at = numberIn(call['at'], FOREVER, `${where}.at`);
  const until = call['until'];
  const when = {
    at,
    ...(until !== undefined && { until: numberIn(until, FOREVER, `${where}.until`) }),
  };
  const octets = (): number => numberIn(call['octets'], [0, 2 ** 40], `${where}.octets`);
  switch (call['call']) {
    case 'connect':
      return { ...when, call: 'connect' };
    case 'accept':
      return { ...when, call: 'accept' };
    case 'close':
      return { ...when, call: 'close' };
    case 'listen':
      return { ...when, call: 'listen', backlog: numberIn(call['backlog'], FOREVER, where) };
    case 'read':
      return { ...when, call: 'read', octets: octets() };
    case 'write':
      return { ...when, call: 'write', octets: octets(), ...readFlags(call['flags']) };
    case 'shutdown':
      return { ...when, call: 'shutdown', how: readHow(call['how'], where) };
    case 'setsockopt':
      return { ...when, call: 'setsockopt', ...readOption(call, where) };
    case 'error':
      return { ...when, call: 'error', of: `${call['of']}`, error: `${call['error']}` };
    default:
      throw new SidecarError(`${where}.call is unknown: ${JSON.stringify(call['call'])}`);
  }
}

function readFlags(value: unknown): { flags?: ('more' | 'oob' | 'fastopen')[] } {
  if (!Array.isArray(value)) return {};
  return { flags: value.filter((f) => f === 'more' || f === 'oob' || f === 'fastopen') };
}

function readHow(how: unknown, where: string): 'read' | 'write' | 'both' {
  if (how === 'read' || how === 'write' || how === 'both') return how;
  throw new SidecarError(`${where}.how must be "read", "write" or "both"`);
}

function readOption(call: Fields, where: string): { option: string; value: number | string } {
  const { option, value } = call;
  if (typeof option !== 'string') throw new SidecarError(`${where}.option must be text`);
  if (typeof value === 'boolean') return { option, value: Number(value) };
  if (typeof value === 'number' || typeof value === 'string') return { option, value };
  throw new SidecarError(`${where}.value must be a number or text`);
}

function sysctls(value: unknown): Record<string, string> {
  const all: Record<string, string> = {};
  for (const [name, setting] of Object.entries(fields(value, 'sysctls'))) {
    all[name] = String(setting);
  }
  return all;
}

function fields(value: unknown, where: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SidecarError(`${where} must be an object`);
  }
  return { ...value };
}

type Range = readonly [number, number];

function numberIn(value: unknown, [low, high]: Range, where: string): number {
  if (typeof value === 'number' && value >= low && value <= high) return value;
  throw new SidecarError(`${where} must be a number from ${low} to ${high}`);
}
