import type { PacketBuffer } from '../core/base/packetBuffer.ts';
import {
  DROP_REASONS,
  type DropReason,
  SEND_REASONS,
  type SendReason,
} from '../core/base/reasons.ts';
import type { Micros } from '../core/base/time.ts';
import type { Tracer } from '../core/base/tracer.ts';
import type { Conversations } from '../core/trace/conversations.ts';
import { formatFrame } from '../core/trace/line.ts';
import { EtherType } from '../core/wire/ethernet.ts';

/** Something that a scenario tells, in the order in which it happens. */
export type StoryEvent =
  | { readonly kind: 'said'; readonly at: Micros; readonly text: string }
  | SegmentEvent
  | { readonly kind: 'icmp'; readonly at: Micros; readonly line: string }
  | {
      readonly kind: 'dropped';
      readonly at: Micros;
      readonly host: string;
      readonly reason: DropReason;
    }
  | {
      readonly kind: 'state';
      readonly at: Micros;
      readonly host: string;
      readonly from: string;
      readonly to: string;
    };

/** A segment, or an ICMP message, as its sender sends it. */
export interface SegmentEvent {
  readonly kind: 'segment';
  readonly at: Micros;
  readonly from: string;
  /** In tcpdump's notation, with the names of the hosts in place of their addresses. */
  readonly line: string;
  /** The states of the two ends when it is sent; CLOSED: there is no connection. */
  readonly states: string;
  readonly reason: SendReason;
}

/** Names of the addresses in a story. */
export type Names = ReadonlyMap<string, string>;

/** Watches one host for the story. ARP is not told. */
export class Witness implements Tracer {
  readonly #host: string;
  readonly #names: Names;
  readonly #conversations: Conversations;
  readonly #tell: (event: StoryEvent) => void;
  readonly #states: (packet: PacketBuffer) => string;

  constructor(
    host: string,
    names: Names,
    conversations: Conversations,
    tell: (event: StoryEvent) => void,
    states: (packet: PacketBuffer) => string,
  ) {
    this.#host = host;
    this.#names = names;
    this.#conversations = conversations;
    this.#tell = tell;
    this.#states = states;
  }

  sent(packet: PacketBuffer, reason: SendReason, at: Micros): void {
    if (!isIpv4(packet)) return;
    const line = named(formatFrame(packet, this.#conversations), this.#names);
    const states = this.#states(packet);
    this.#tell({ kind: 'segment', at, from: this.#host, line, states, reason });
  }

  received(packet: PacketBuffer, reason: DropReason | null, at: Micros): void {
    if (reason !== null && isIpv4(packet)) {
      this.#tell({ kind: 'dropped', at, host: this.#host, reason });
    }
  }

  unsent(): void {}

  transition(_connection: number, from: string, to: string, at: Micros): void {
    this.#tell({ kind: 'state', at, host: this.#host, from, to });
  }
}

function isIpv4(packet: PacketBuffer): boolean {
  return packet.view.getUint16(packet.link + 12) === EtherType.IPV4;
}

/** `IP 10.1.0.2.80 > …` becomes `server.80 > …`. */
export function named(line: string, names: Names): string {
  return line
    .replace(/^IP /, '')
    .replace(/\d+\.\d+\.\d+\.\d+/g, (address) => names.get(address) ?? address);
}

/** The lines that tell an event to a person. @param start the instant that times count from */
export function linesOf(event: StoryEvent, start: Micros): string[] {
  const time = ((event.at - start) / 1e6).toFixed(6).padStart(14);
  const margin = ' '.repeat(time.length);
  switch (event.kind) {
    case 'said':
      return ['', `${time}  ${event.text}`];
    case 'segment': {
      const { rfc, what } = SEND_REASONS[event.reason];
      const why = `${event.reason} (${rfc}): ${what}`;
      return [`${time}  ${event.line}`, `${margin}    ${event.states} — ${why}`];
    }
    case 'icmp':
      return [`${time}  ${event.line}`];
    case 'dropped': {
      const { rfc, what } = DROP_REASONS[event.reason];
      const verb = event.reason === 'reset-accepted' ? 'takes' : 'drops';
      return [`${time}    ${event.host} ${verb} it — ${event.reason} (${rfc}): ${what}`];
    }
    case 'state':
      return [`${time}    ${event.host}: ${event.from} -> ${event.to}`];
  }
}
