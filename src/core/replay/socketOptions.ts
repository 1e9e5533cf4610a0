import { type Micros, MS, SECOND } from '../base/time.ts';
import { CONGESTION_CONTROLS, type TcpConfig } from '../tcp/config.ts';

/** What a socket option means here. */
export type OptionMeaning =
  | { readonly changes: Partial<TcpConfig> }
  /** SO_LINGER: seconds; -1: off. */
  | { readonly linger: number }
  /** It makes no difference on the wire, or it is the default. */
  | { readonly ignored: true }
  | { readonly unsupported: true };

type Writable<T> = { -readonly [K in keyof T]: T[K] };

const IGNORED = [
  'SO_REUSEADDR',
  'SO_REUSEPORT',
  'SO_ERROR',
  'SO_RCVTIMEO',
  'SO_SNDTIMEO',
  'IP_RECVERR',
  'SO_OOBINLINE',
  'IP_BIND_ADDRESS_NO_PORT',
];

const UNSUPPORTED: OptionMeaning = { unsupported: true };

/** Linux's socket options in the settings of this stack. */
export function meaningOf(option: string, value: number | string): OptionMeaning {
  if (IGNORED.includes(option)) return { ignored: true };
  if (option === 'TCP_CONGESTION') return controllerOf(value);
  if (typeof value === 'string') return UNSUPPORTED;
  if (option === 'SO_LINGER') return { linger: value };
  const changes: Partial<Writable<TcpConfig>> = {};
  switch (option) {
    case 'SO_KEEPALIVE':
      changes.keepAlive = value !== 0;
      break;
    case 'TCP_KEEPIDLE':
      changes.keepAliveIdle = seconds(value);
      break;
    case 'TCP_KEEPINTVL':
      changes.keepAliveInterval = seconds(value);
      break;
    case 'TCP_KEEPCNT':
      changes.keepAliveCount = value;
      break;
    case 'TCP_NODELAY':
      changes.noDelay = value !== 0;
      break;
    case 'TCP_CORK':
      changes.cork = value !== 0;
      break;
    case 'TCP_USER_TIMEOUT':
      changes.userTimeout = value * MS;
      break;
    case 'TCP_SYNCNT':
      changes.synRetries = value;
      break;
    case 'SO_RCVBUF':
      changes.receiveBuffer = value;
      break;
    case 'SO_SNDBUF':
      changes.sendBuffer = value;
      break;
    case 'TCP_MAXSEG':
      changes.mss = value;
      break;
    case 'TCP_FASTOPEN':
      changes.fastOpenBacklog = value;
      break;
    case 'TCP_LINGER2':
      changes.finWait2 = seconds(value);
      break;
    case 'IP_TTL':
      changes.ttl = value;
      break;
    case 'IP_TOS':
      changes.trafficClass = value;
      break;
    default:
      return UNSUPPORTED;
  }
  return { changes };
}

function controllerOf(value: number | string): OptionMeaning {
  const congestionControl = CONGESTION_CONTROLS.find((name) => name === value);
  return congestionControl === undefined ? UNSUPPORTED : { changes: { congestionControl } };
}

function seconds(value: number): Micros {
  return Math.round(value * SECOND);
}
