import { type Micros, MS, SECOND } from '../../base/time.ts';
import { CONGESTION_CONTROLS, type TcpConfig } from '../../tcp/config.ts';
import { octetBuffer } from '../../tcp/receive/octetWindow.ts';
import type { State } from '../../tcp/states.ts';
import {
  type CallOutcome,
  done,
  failed,
  type OptionValue,
  type Readback,
  Unsupported,
} from '../host/calls.ts';
import { IPPROTO_TCP, IpOption, Level, SOCK_STREAM, So, TcpOption } from '../host/numbers.ts';
import { errnoNumber } from '../symbols.ts';
import type { SimulatedSocket } from './socket.ts';

/** Octets of an int. */
const INT = 4;
/** Linux: TCP_MIN_MSS and MAX_TCP_WINDOW, MAX_TCP_KEEPIDLE, MAX_TCP_KEEPCNT. */
const MSS_RANGE = [88, 32_767] as const;
const MOST_SECONDS = 32_767;
const MOST_PROBES = 127;
/** net.core.rmem_max and wmem_max (since Linux 6.17). */
const MOST_BUFFER = 4_194_304;
/** SOCK_MIN_SNDBUF and SOCK_MIN_RCVBUF. */
const MIN_SEND_MEMORY = 4608;
const MIN_RECEIVE_MEMORY = 2304;
/** net.core.somaxconn */
const SOMAXCONN = 4096;
/** What mss_cache is before there is a connection. */
const MSS_OF_NOBODY = 536;
/** A TCP_NOTSENT_LOWAT that never counts. */
const NO_MARK = 0xffff_ffff;
/** EIO */
const UNKNOWN_ERROR = 5;
/** tcp_wmem[1]. */
const SEND_MEMORY = 16_384;
/** No bound of the pacing rate: ~0, as an int reads it. */
const NO_RATE = -1;

/** An option whose value is a number: what it changes, and what it is. */
interface NumberOption {
  /** @returns what changes; null: EINVAL */
  set(value: number, socket: SimulatedSocket): Partial<TcpConfig> | 'EOPNOTSUPP' | null;
  /** null: what was set last, or 0. */
  readonly get: ((socket: SimulatedSocket) => number) | null;
}

const key = (level: number, option: number): number => level * 65_536 + option;

/** It is kept to be asked for, and makes no difference to what a script can see. */
const KEPT: NumberOption = { set: () => ({}), get: null };

/** As {@link KEPT}, 0 or 1. */
function isIn(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

function isUnused(state: State): boolean {
  return state === 'CLOSED' || state === 'LISTEN';
}

function seconds(
  most: number,
  changes: (time: Micros) => Partial<TcpConfig>,
  get: (socket: SimulatedSocket) => number,
): NumberOption {
  return {
    set: (value) => (isIn(value, 1, most) ? changes(value * SECOND) : null),
    get,
  };
}

const SECONDS = (time: Micros): number => Math.floor(time / SECOND);

const NUMBER_OPTIONS: ReadonlyMap<number, NumberOption> = new Map([
  [key(Level.SOCKET, So.REUSEADDR), KEPT],
  [key(Level.SOCKET, So.REUSEPORT), KEPT],
  [key(Level.SOCKET, So.DEBUG), KEPT],
  [key(Level.SOCKET, So.PRIORITY), KEPT],
  [key(Level.SOCKET, So.MARK), KEPT],
  [key(Level.SOCKET, So.ZEROCOPY), { set: (value) => (isIn(value, 0, 1) ? {} : null), get: null }],
  [
    key(Level.SOCKET, So.TIMESTAMPING),
    { set: (value, socket) => (socket.errors.mayStamp(value) ? {} : null), get: null },
  ],
  [
    key(Level.SOCKET, So.KEEPALIVE),
    {
      set: (value) => ({ keepAlive: value !== 0 }),
      get: (socket) => Number(socket.setting('keepAlive')),
    },
  ],
  [
    key(Level.SOCKET, So.RCVBUF),
    {
      set: (value) => ({ receiveBuffer: Math.max(1, Math.min(value, MOST_BUFFER)) }),
      get: (socket) => receiveMemory(socket),
    },
  ],
  [
    key(Level.SOCKET, So.RCVBUFFORCE),
    { set: (value) => ({ receiveBuffer: Math.max(1, value) }), get: null },
  ],
  [
    key(Level.SOCKET, So.SNDBUF),
    {
      set: (value) => ({ sendBuffer: sendOctets(Math.min(value, MOST_BUFFER)) }),
      get: (socket) => sendMemory(socket),
    },
  ],
  [
    key(Level.SOCKET, So.SNDBUFFORCE),
    { set: (value) => ({ sendBuffer: sendOctets(value) }), get: null },
  ],
  [
    key(Level.SOCKET, So.MAX_PACING_RATE),
    {
      set: (value) => ({ maxPacingRate: value === NO_RATE ? 0 : value }),
      get: (socket) => socket.setting('maxPacingRate') || NO_RATE,
    },
  ],
  [
    key(Level.TCP, TcpOption.NODELAY),
    {
      set: (value) => ({ noDelay: value !== 0 }),
      get: (socket) => Number(socket.setting('noDelay')),
    },
  ],
  [
    key(Level.TCP, TcpOption.NOTSENT_LOWAT),
    {
      set: (value, { world }) => ({
        notSentLowWater: isIn(value >>> 0, 1, NO_MARK - 1)
          ? value >>> 0
          : value === 0
            ? (world.config.notSentLowWater ?? world.defaults.notSentLowWater)
            : 0,
      }),
      get: null,
    },
  ],
  [
    key(Level.TCP, TcpOption.CORK),
    {
      set: (value) => ({ cork: value !== 0 }),
      get: (socket) => Number(socket.setting('cork')),
    },
  ],
  [
    key(Level.TCP, TcpOption.MAXSEG),
    {
      set: (value) => (value === 0 || isIn(value, ...MSS_RANGE) ? { mss: value } : null),
      get: (socket) => segmentSize(socket),
    },
  ],
  [
    key(Level.TCP, TcpOption.KEEPIDLE),
    seconds(
      MOST_SECONDS,
      (time) => ({ keepAliveIdle: time }),
      (socket) => SECONDS(socket.setting('keepAliveIdle')),
    ),
  ],
  [
    key(Level.TCP, TcpOption.KEEPINIT),
    seconds(
      MOST_SECONDS,
      (time) => ({ connectTimeout: time }),
      (socket) => SECONDS(socket.setting('connectTimeout')),
    ),
  ],
  [
    key(Level.TCP, TcpOption.NOOPT),
    {
      set: (value) => ({ noOptions: value !== 0 }),
      get: (socket) => Number(socket.setting('noOptions')),
    },
  ],
  [
    key(Level.TCP, TcpOption.KEEPINTVL),
    seconds(
      MOST_SECONDS,
      (time) => ({ keepAliveInterval: time }),
      (socket) => SECONDS(socket.setting('keepAliveInterval')),
    ),
  ],
  [
    key(Level.TCP, TcpOption.KEEPCNT),
    {
      set: (value) => (isIn(value, 1, MOST_PROBES) ? { keepAliveCount: value } : null),
      get: (socket) => socket.setting('keepAliveCount'),
    },
  ],
  [
    key(Level.TCP, TcpOption.SYNCNT),
    {
      set: (value) => (isIn(value, 1, MOST_PROBES) ? { synRetries: value } : null),
      get: (socket) => socket.setting('synRetries'),
    },
  ],
  [
    key(Level.TCP, TcpOption.LINGER2),
    {
      set: (value) => (value < 0 ? { finWait2: 0 } : { finWait2: Math.min(value, 120) * SECOND }),
      get: (socket) => SECONDS(socket.setting('finWait2')),
    },
  ],
  [
    key(Level.TCP, TcpOption.USER_TIMEOUT),
    {
      set: (value) => (value < 0 ? null : { userTimeout: value * MS }),
      get: (socket) => socket.setting('userTimeout') / MS,
    },
  ],
  [
    key(Level.IP, IpOption.TOS),
    {
      set: (value) => ({ trafficClass: value & 0xfc }),
      get: (socket) => socket.setting('trafficClass'),
    },
  ],
  [
    key(Level.IP, IpOption.TTL),
    {
      set: (value) => (isIn(value, 1, 255) ? { ttl: value } : null),
      get: (socket) => socket.setting('ttl'),
    },
  ],
  [
    key(Level.TCP, TcpOption.FASTOPEN),
    {
      set: (value, { state }) =>
        value >= 0 && isUnused(state) ? { fastOpenBacklog: Math.min(value, SOMAXCONN) } : null,
      get: (socket) => socket.setting('fastOpenBacklog'),
    },
  ],
  [
    key(Level.TCP, TcpOption.FASTOPEN_NO_COOKIE),
    {
      set: (value, { state }) =>
        isIn(value, 0, 1) && isUnused(state)
          ? { fastOpenNoCookie: value === 1, fastOpenClientNoCookie: value === 1 }
          : null,
      get: (socket) => Number(socket.setting('fastOpenNoCookie')),
    },
  ],
  [
    key(Level.TCP, TcpOption.FASTOPEN_CONNECT),
    {
      set: (value, socket) => {
        if (!isIn(value, 0, 1)) return null;
        if (!socket.setting('fastOpenClient')) return 'EOPNOTSUPP';
        return socket.state === 'CLOSED' ? {} : null;
      },
      get: null,
    },
  ],
  [key(Level.TCP, TcpOption.INQ), KEPT],
  [key(Level.IP, IpOption.BIND_ADDRESS_NO_PORT), KEPT],
  [key(Level.IP, IpOption.RECVERR), KEPT],
  [key(Level.IP, IpOption.MTU_DISCOVER), KEPT],
  [
    key(Level.TCP, TcpOption.QUICKACK),
    {
      set: (value, socket) => {
        socket.connection?.quickAck(value !== 0);
        return {};
      },
      get: ({ connection }) => Number(connection === null || !connection.tcb.ack.interactive),
    },
  ],
]);

/** Is it an option that is known at all? @throws Unsupported */
export function checkOption(level: number, option: number): void {
  const isKnown =
    NUMBER_OPTIONS.has(key(level, option)) ||
    (level === Level.SOCKET && FACTS.includes(option)) ||
    isCongestion(level, option) ||
    isFastOpenKey(level, option) ||
    (level === Level.IP && option === IpOption.MTU);
  if (!isKnown) throw new Unsupported(nameOf(level, option));
}

/** setsockopt(). @throws Unsupported */
export function setOption(
  socket: SimulatedSocket,
  at: { readonly level: number; readonly option: number },
  value: OptionValue,
  length: number,
): CallOutcome {
  const { level, option } = at;
  if (level === Level.SOCKET && option === So.LINGER) {
    return setLinger(socket, value);
  }
  if (isCongestion(level, option)) return setCongestionControl(socket, value, length);
  if (isFastOpenKey(level, option)) return setFastOpenKey(socket, value, length);
  const known = NUMBER_OPTIONS.get(key(level, option));
  if (known === undefined || value.kind !== 'number') throw new Unsupported(nameOf(level, option));
  // options of IP may be a single octet
  if (length < (level === Level.IP ? 1 : INT)) return failed('EINVAL');
  const changes = known.set(value.value, socket);
  if (changes === null || changes === 'EOPNOTSUPP') return failed(changes ?? 'EINVAL');
  socket.kept.set(key(level, option), value.value);
  if (Object.keys(changes).length > 0) socket.change(changes);
  return done();
}

/** getsockopt(). @throws Unsupported */
export function getOption(
  socket: SimulatedSocket,
  at: { readonly level: number; readonly option: number },
  length: number,
): CallOutcome {
  const { level, option } = at;
  if (level === Level.SOCKET) {
    if (option === So.LINGER) return done(0, { kind: 'linger', ...socket.linger });
    const fact = socketFact(socket, option);
    if (fact !== null) return done(0, number(fact, length));
  }
  if (isCongestion(level, option)) {
    const name = socket.setting('congestionControl');
    return done(0, { kind: 'text', value: name.slice(0, length) });
  }
  const known = NUMBER_OPTIONS.get(key(level, option));
  if (known !== undefined) {
    const value = known.get?.(socket) ?? socket.kept.get(key(level, option)) ?? 0;
    return done(0, number(value, length));
  }
  if (level === Level.IP && option === IpOption.MTU) {
    const { connection } = socket;
    return connection === null
      ? failed('ENOTCONN')
      : done(0, number(connection.tcb.flow.mtu, length));
  }
  throw new Unsupported(nameOf(level, option));
}

function number(value: number, length: number): Readback {
  return { kind: 'number', value, length: Math.min(INT, length) };
}

/** Options of SOL_SOCKET that have a place of their own. */
const FACTS: readonly number[] = [
  So.LINGER,
  So.ERROR,
  So.TYPE,
  So.PROTOCOL,
  So.DOMAIN,
  So.ACCEPTCONN,
];

/** Options that can only be asked for; null: it is none of them. */
function socketFact(socket: SimulatedSocket, option: number): number | null {
  switch (option) {
    case So.ERROR:
      return errorNumber(socket.takeError());
    case So.TYPE:
      return SOCK_STREAM;
    case So.PROTOCOL:
      return IPPROTO_TCP;
    case So.DOMAIN:
      return 2;
    case So.ACCEPTCONN:
      return socket.listener === null ? 0 : 1;
    default:
      return null;
  }
}

function errorNumber(errno: string | null): number {
  return errno === null ? 0 : (errnoNumber(errno) ?? UNKNOWN_ERROR);
}

function receiveMemory(socket: SimulatedSocket): number {
  const { connection } = socket;
  if (socket.setting('windowModel') === 'octets') {
    return connection === null ? socket.setting('receiveBuffer') : octetBuffer(connection.tcb);
  }
  if (connection !== null) return connection.tcb.window.buffer;
  const asked = socket.setting('receiveBuffer');
  if (asked === 0) return socket.setting('rmemDefault');
  return Math.max(MIN_RECEIVE_MEMORY, 2 * asked);
}

/** Of the memory that SO_SNDBUF asks for, twice as much as it says, half is text. */
function sendOctets(value: number): number {
  return Math.max(MIN_SEND_MEMORY / 2, value);
}

function sendMemory(socket: SimulatedSocket): number {
  const { sendBuffer } = socket.settings;
  return sendBuffer === undefined ? SEND_MEMORY : 2 * sendBuffer;
}

/** TCP_MAXSEG: what was asked for, until there is a connection, which knows better. */
function segmentSize(socket: SimulatedSocket): number {
  const { connection, state } = socket;
  const asked = socket.setting('mss');
  if (asked !== 0 && (state === 'CLOSED' || state === 'LISTEN')) return asked;
  return connection === null ? MSS_OF_NOBODY : connection.tcb.snd.mss;
}

function setLinger(socket: SimulatedSocket, value: OptionValue): CallOutcome {
  if (value.kind !== 'linger') return failed('EINVAL');
  socket.linger = { on: value.on === 0 ? 0 : 1, seconds: value.on === 0 ? 0 : value.seconds };
  return done();
}

function isCongestion(level: number, option: number): boolean {
  return level === Level.TCP && option === TcpOption.CONGESTION;
}

function isFastOpenKey(level: number, option: number): boolean {
  return level === Level.TCP && option === TcpOption.FASTOPEN_KEY;
}

/** TCP_FASTOPEN_KEY: one key or two, octet by octet. */
function setFastOpenKey(socket: SimulatedSocket, value: OptionValue, length: number): CallOutcome {
  if (value.kind !== 'text' || (length !== 16 && length !== 32)) return failed('EINVAL');
  const octets = [...value.value].map((c) => (c.codePointAt(0) ?? 0).toString(16).padStart(2, '0'));
  while (octets.length < length) octets.push('00');
  socket.change({ fastOpenKey: octets.slice(0, length).join('') });
  return done();
}

/** TCP_CONGESTION. @throws Unsupported of a controller that Linux may have and this stack has not */
function setCongestionControl(
  socket: SimulatedSocket,
  value: OptionValue,
  length: number,
): CallOutcome {
  if (length < 1) return failed('EINVAL');
  if (value.kind !== 'text') throw new Unsupported('TCP_CONGESTION that is no text');
  const name = value.value.slice(0, length);
  const congestionControl = CONGESTION_CONTROLS.find((known) => known === name);
  if (congestionControl === undefined) throw new Unsupported(`congestion control ${name}`);
  socket.change({ congestionControl });
  return done();
}

function nameOf(level: number, option: number): string {
  const find = (names: Readonly<Record<string, number>>, prefix: string): string => {
    const name = Object.entries(names).find(([, n]) => n === option)?.[0];
    return name === undefined ? `option ${option} of ${prefix}` : `${prefix}_${name}`;
  };
  if (level === Level.SOCKET) return find(So, 'SO');
  if (level === Level.TCP) return find(TcpOption, 'TCP');
  return level === Level.IP ? find(IpOption, 'IP') : `option ${option} of level ${level}`;
}
