import type { Micros } from '../base/time.ts';

/**
 * What a packetdrill script says, as plain data: the outcome of `parseScript`. Both dialects have
 * this one form, google's and nplab's; what only one of them knows is marked.
 *
 * Numbers are the script's own: nothing is mapped to live sequence numbers, timestamps or ports
 * here, and no symbol is looked up (see symbols.ts).
 */

/** Google's dialect, which the Linux kernel uses too, or nplab's, which the FreeBSD suite uses. */
export type Dialect = 'google' | 'nplab';

/** A place in a script; both count from 1, the column in UTF-16 units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A whole script. */
export interface Script {
  readonly kind: 'script';
  /** As given, or guessed by what occurs in the script; google's where nothing tells. */
  readonly dialect: Dialect;
  readonly options: readonly ScriptOption[];
  /** Runs once, before the clock starts. */
  readonly init: CommandAction | null;
  /** In the order of the script. */
  readonly events: readonly ScriptEvent[];
  /** Runs at the end, passed or failed. */
  readonly cleanup: CommandAction | null;
  /** All that lies outside of what this parser knows, in order; the first one is the verdict. */
  readonly unsupported: readonly UnsupportedAction[];
}

/** `--name` or `--name=value`. */
export interface ScriptOption {
  readonly position: Position;
  /** Without the dashes. */
  readonly name: string;
  /** As written, without quotes; null: none given. Of a definition it is `NAME=value`. */
  readonly value: string | null;
}

/** A time and what happens then. */
export interface ScriptEvent {
  /** Of its time. */
  readonly position: Position;
  /** Its source on one line, without comments, for transcripts. */
  readonly text: string;
  readonly time: EventTime;
  readonly action: Action;
}

/**
 * When an event happens. Absolute times count from the start of the script, relative ones from the
 * event before it. Integral microseconds, not negative; `from` <= `to`.
 */
export type EventTime =
  | { readonly kind: 'absolute'; readonly at: Micros }
  | { readonly kind: 'relative'; readonly at: Micros }
  /** `*`: sent packets alone. */
  | { readonly kind: 'any' }
  /** `T1~T2`: sent packets alone. */
  | { readonly kind: 'absolute-range'; readonly from: Micros; readonly to: Micros }
  /** `+T1~+T2`: sent packets alone. */
  | { readonly kind: 'relative-range'; readonly from: Micros; readonly to: Micros };

/** What happens at a time. */
export type Action =
  | TcpPacket
  | IcmpPacket
  | SystemCall
  | CommandAction
  | CodeAction
  | UnsupportedAction;

/** `< ...` is injected into the stack, `> ...` is expected of it. */
export type PacketDirection = 'inbound' | 'outbound';

/** What is written of the IP header; null: nothing said. */
export interface IpInfo {
  /** `either` is `ect01`: ECT(0) or ECT(1), of sent packets alone. */
  readonly ecn: EcnCodepoint | 'either' | null;
  /** The whole octet, DSCP and ECN, 0 to 255: `tos`, in IPv6 `class`. */
  readonly trafficClass: number | null;
  /** 0 to 63: `dscp` (nplab). */
  readonly dscp: number | null;
  /** 0 to 255: `ttl`, or `hlim` (nplab). */
  readonly ttl: number | null;
  /** 0 to 2^20 - 1. */
  readonly flowLabel: number | null;
}

/** RFC 3168 5. */
export type EcnCodepoint = 'noecn' | 'ect0' | 'ect1' | 'ce';

/** One TCP segment. */
export interface TcpPacket {
  readonly kind: 'tcp';
  readonly position: Position;
  readonly direction: PacketDirection;
  readonly ip: IpInfo;
  /** Instead of those of the socket under test; null: its own. */
  readonly ports: { readonly source: number; readonly destination: number } | null;
  /** The bits of `Flag` of wire/tcp, and 256 for AE. */
  readonly flags: number;
  /** The three-bit ACE counter, 1 to 7, in the place of AE, CWR and ECE; null: none written. */
  readonly ace: number | null;
  readonly seq: ScriptSequence;
  /** SEG.ACK; null: not written, which is 0 on the wire. */
  readonly ack: number | null;
  /** The window field, never scaled; null: not to be checked, of sent packets alone. */
  readonly window: number | null;
  /** 0 where not written. */
  readonly urgentPointer: number;
  /** In order; `any`: `<...>`, not to be checked, of sent packets alone. */
  readonly options: readonly ScriptTcpOption[] | 'any';
}

/** `start:end(length)`, in which SYN and FIN do not count. */
export interface ScriptSequence {
  /** 0 to 2^32 - 1; null: `...(length)`, any number (nplab). */
  readonly start: number | null;
  /** Octets of text, 0 to 65535 or, merged or cut by segmentation offload, more. */
  readonly length: number;
  /** `!`: the number on the wire, not one to be mapped (nplab). */
  readonly isAbsolute: boolean;
}

/** One TCP option as written. */
export type ScriptTcpOption =
  | { readonly kind: 'nop' }
  | { readonly kind: 'eol' }
  | { readonly kind: 'mss'; readonly mss: number }
  | { readonly kind: 'wscale'; readonly shift: number }
  | { readonly kind: 'sackOK' }
  /** [left, right) in the order written. */
  | { readonly kind: 'sack'; readonly blocks: readonly SackBlockText[] }
  | {
      readonly kind: 'timestamps';
      /** null: any (nplab). */
      readonly value: number | null;
      readonly echo: number;
      /** `ecr N!`: the number on the wire (nplab). */
      readonly isEchoAbsolute: boolean;
    }
  /** `valid`: whatever the secret of the script makes of it (nplab). */
  | { readonly kind: 'md5'; readonly digest: Uint8Array | 'valid' }
  /** A cookie of 0 octets is a request; `isExperimental`: kind 254 with the magic number 0xf989. */
  | { readonly kind: 'fastOpen'; readonly cookie: Uint8Array; readonly isExperimental: boolean }
  /** Accurate ECN, 24-bit counters in the order of the option; those not written are null. */
  | {
      readonly kind: 'accurateEcn';
      readonly order: 0 | 1;
      readonly e0b: number | null;
      readonly ceb: number | null;
      readonly e1b: number | null;
    }
  /** An option written in octets, its kind and length included (nplab). */
  | { readonly kind: 'raw'; readonly octets: Uint8Array };

/** One block of a SACK option: sequence numbers of the receiver of the segment. */
export interface SackBlockText {
  readonly left: number;
  readonly right: number;
  /** `!`: the numbers on the wire (nplab). */
  readonly isAbsolute: boolean;
}

/** One ICMP message. */
export interface IcmpPacket {
  readonly kind: 'icmp';
  readonly position: Position;
  readonly direction: PacketDirection;
  readonly ip: IpInfo;
  /** As written: `icmpNumbers` of icmpNames.ts gives the numbers, which depend on the IP version. */
  readonly type: string;
  /** null: code 0. */
  readonly code: string | null;
  /** Of fragmentation needed or packet too big; null: none. */
  readonly mtu: number | null;
  /** Identifier of an echo; null: none. */
  readonly id: number | null;
  /** The start of the datagram that is complained about; null: none written. */
  readonly echoed: EchoedDatagram | null;
}

/** What an ICMP error quotes: one of our own datagrams. */
export type EchoedDatagram =
  | { readonly protocol: 'tcp'; readonly seq: ScriptSequence }
  | { readonly protocol: 'udp' | 'raw'; readonly length: number };

/** `name(arguments) = result ERRNO (text) (note)`. */
export interface SystemCall {
  readonly kind: 'call';
  readonly position: Position;
  readonly name: string;
  readonly arguments: readonly Expression[];
  /**
   * `...END`: the call blocks and must return then; absolute or relative as the time of its event
   * is, and to the same point. null: it must return at once.
   */
  readonly until: Micros | null;
  readonly result: Expression;
  /** `EAGAIN`; null: not to be compared. */
  readonly errno: string | null;
  /** What the parentheses after the result say, without them; never compared. */
  readonly note: string | null;
}

/** An argument or result of a system call; each knows where it stands. */
export type Expression = { readonly position: Position } /** `...`: do not care. */ & (
  | { readonly kind: 'ellipsis' }
  /** Within ±2^53. */
  | { readonly kind: 'integer'; readonly value: number }
  | { readonly kind: 'symbol'; readonly name: string }
  /** `isPrefix`: `"text"...`, of which only the beginning is compared (nplab). */
  | { readonly kind: 'string'; readonly value: string; readonly isPrefix: boolean }
  /** `a | b`: terms are integers and symbols. */
  | { readonly kind: 'or'; readonly terms: readonly Expression[] }
  /** `[a, b]`: a pointer to a number, or an array. */
  | { readonly kind: 'list'; readonly items: readonly Expression[] }
  /** `{...}`: fields with names, or without (of an iovec). */
  | { readonly kind: 'structure'; readonly fields: readonly Field[] }
  /** `htons(8080)`, `inet_addr("192.0.2.1")`. */
  | { readonly kind: 'apply'; readonly name: string; readonly arguments: readonly Expression[] }
);

/** One field of a structure: `name=value`, `msg_iov(1)=value`, or a value alone. */
export interface Field {
  readonly name: string | null;
  /** What is in parentheses after the name: a length. */
  readonly count: Expression | null;
  readonly value: Expression;
}

/** A line for a shell, which never gets it here. */
export interface CommandAction {
  readonly kind: 'command';
  readonly position: Position;
  /** Without the backquotes, escapes undone. */
  readonly text: string;
}

/** Assertions on the connection, in Python: see evaluate.ts. */
export interface CodeAction {
  readonly kind: 'code';
  /** Of its first character after `%{`. */
  readonly position: Position;
  readonly text: string;
}

/** Something that other implementations know and this one does not. */
export interface UnsupportedAction {
  readonly kind: 'unsupported';
  readonly position: Position;
  /** One or a few words: `SCTP`, `UDP-Lite`, `TCP option gen`. */
  readonly what: string;
  /** Where it stands for a packet. */
  readonly direction: PacketDirection | null;
}
