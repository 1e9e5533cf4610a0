/**
 * Numbers of Linux's calls as scripts use them; their names are those of the C headers. The symbols
 * of scripts are looked up in symbols.ts, which has more of them.
 */

export const SOCK_STREAM = 1;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const IPPROTO_TCP = 6;

export const O_RDWR = 2;
export const O_NONBLOCK = 0o4000;
export const F_GETFD = 1;
export const F_SETFD = 2;
export const F_GETFL = 3;
export const F_SETFL = 4;

export const SIOCINQ = 0x541b;
export const SIOCOUTQ = 0x5411;
export const SIOCOUTQNSD = 0x894b;

export const SHUT_RD = 0;
export const SHUT_WR = 1;
export const SHUT_RDWR = 2;

export const Msg = {
  OOB: 0x1,
  PEEK: 0x2,
  DONTROUTE: 0x4,
  TRUNC: 0x20,
  DONTWAIT: 0x40,
  EOR: 0x80,
  WAITALL: 0x100,
  ERRQUEUE: 0x2000,
  NOSIGNAL: 0x4000,
  MORE: 0x8000,
  ZEROCOPY: 0x4000000,
  FASTOPEN: 0x20000000,
} as const;

export const Poll = {
  IN: 0x1,
  PRI: 0x2,
  OUT: 0x4,
  ERR: 0x8,
  HUP: 0x10,
  NVAL: 0x20,
  RDNORM: 0x40,
  WRNORM: 0x100,
  RDHUP: 0x2000,
} as const;

/** Bits of epoll_ctl() beside those of poll(). */
export const EpollBit = {
  EXCLUSIVE: 1 << 28,
  WAKEUP: 1 << 29,
  ONESHOT: 1 << 30,
  ET: 1 << 31,
} as const;

export const EpollControl = { ADD: 1, DEL: 2, MOD: 3 } as const;

export const Level = { SOCKET: 1, IP: 0, TCP: 6 } as const;

/** Options of SOL_SOCKET. */
export const So = {
  DEBUG: 1,
  REUSEADDR: 2,
  TYPE: 3,
  ERROR: 4,
  SNDBUF: 7,
  RCVBUF: 8,
  KEEPALIVE: 9,
  PRIORITY: 12,
  LINGER: 13,
  REUSEPORT: 15,
  RCVLOWAT: 18,
  SNDLOWAT: 19,
  RCVTIMEO: 20,
  SNDTIMEO: 21,
  ACCEPTCONN: 30,
  SNDBUFFORCE: 32,
  RCVBUFFORCE: 33,
  MARK: 36,
  TIMESTAMPING: 37,
  PROTOCOL: 38,
  DOMAIN: 39,
  MAX_PACING_RATE: 47,
  MEMINFO: 55,
  ZEROCOPY: 60,
} as const;

/** What SO_MEMINFO tells, in its order, by the names that code has for it. */
export const MEMINFO_NAMES = [
  'SK_MEMINFO_RMEM_ALLOC',
  'SK_MEMINFO_RCVBUF',
  'SK_MEMINFO_WMEM_ALLOC',
  'SK_MEMINFO_SNDBUF',
  'SK_MEMINFO_FWD_ALLOC',
  'SK_MEMINFO_WMEM_QUEUED',
  'SK_MEMINFO_OPTMEM',
  'SK_MEMINFO_BACKLOG',
  'SK_MEMINFO_DROPS',
] as const;

/** Bits of SO_TIMESTAMPING. */
export const Stamping = {
  TX_SOFTWARE: 0x2,
  SOFTWARE: 0x10,
  OPT_ID: 0x80,
  TX_SCHED: 0x100,
  TX_ACK: 0x200,
  OPT_TSONLY: 0x800,
  OPT_ID_TCP: 0x10000,
} as const;

/** What a time in the error queue is that of: `ee_info`. */
export const Stamp = { SENT: 0, SCHEDULED: 1, ACKED: 2 } as const;

/** Who has put an error into the queue: `ee_origin`. */
export const ErrorOrigin = { TIMESTAMPING: 4, ZEROCOPY: 5 } as const;
/** `ee_code`: the octets were copied all the same. */
export const ZEROCOPY_COPIED = 1;

/** Options of SOL_TCP. */
export const TcpOption = {
  NODELAY: 1,
  MAXSEG: 2,
  CORK: 3,
  KEEPIDLE: 4,
  KEEPINTVL: 5,
  KEEPCNT: 6,
  SYNCNT: 7,
  LINGER2: 8,
  DEFER_ACCEPT: 9,
  WINDOW_CLAMP: 10,
  INFO: 11,
  QUICKACK: 12,
  CONGESTION: 13,
  USER_TIMEOUT: 18,
  FASTOPEN: 23,
  TIMESTAMP: 24,
  NOTSENT_LOWAT: 25,
  FASTOPEN_CONNECT: 30,
  FASTOPEN_KEY: 33,
  FASTOPEN_NO_COOKIE: 34,
  INQ: 36,
  /** FreeBSD's alone: its numbers, which mean something else in Linux, and 1000. */
  NOOPT: 1008,
  KEEPINIT: 1128,
} as const;

/** Options of SOL_IP. */
export const IpOption = {
  TOS: 1,
  TTL: 2,
  RECVTOS: 13,
  MTU_DISCOVER: 10,
  RECVERR: 11,
  MTU: 14,
  BIND_ADDRESS_NO_PORT: 24,
} as const;

/** The name of the setting of how the device queues: `fq` paces, `pfifo` does not. */
export const QDISC = 'qdisc';
/** The name of the setting that forgets all that is known of other hosts (`ip tcp_metrics flush`). */
export const SERVERS = 'tcp_metrics';
/** Before the name of a setting that is not a sysctl but belongs to the route: `route/rto_min`. */
export const ROUTE = 'route/';
