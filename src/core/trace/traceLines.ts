import type { PacketBuffer } from '../base/packetBuffer.ts';
import { type DropReason, explainDrop, explainSend, type SendReason } from '../base/reasons.ts';
import type { Micros } from '../base/time.ts';
import type { Tracer } from '../base/tracer.ts';
import { Conversations } from './conversations.ts';
import { formatDatagram, formatFrame } from './line.ts';

/** What IP sends while it processes the frame that it answers, before the verdict on that is known. */
const ANSWERS: ReadonlySet<SendReason> = new Set(['arp-reply', 'echo-reply', 'icmp-error']);

/**
 * A tracer that writes one line per frame: when, which way, what in tcpdump's notation, and why.
 *
 * ```
 * 0.000000 > IP 10.107.0.2.80 > ... length 0 — sent: ack-now (RFC 9293 3.8.6.3): text that ...
 * 0.000031 < IP 10.107.0.1.40000 > ... length 0 — accepted; connection 1 SYN-RECEIVED -> ESTABLISHED
 * 0.000052 < IP 10.107.0.1.40000 > ... length 9 — dropped: paws (RFC 7323 5): the timestamp is ...
 * 0.000080 ! IP 10.107.0.2.80 > ... length 0 — not sent: no-route (RFC 1122 3.3.1): no route ...
 * 60.001000 * connection 1 TIME-WAIT -> CLOSED
 * ```
 *
 * A transition belongs to the line of the segment that made it, which follows it at the same
 * instant. One that no frame follows at that instant (a timer, a command of the user) gets a line
 * of its own before the next thing that happens, or by `flush`.
 */
export class TraceLines implements Tracer {
  readonly #write: (line: string) => void;
  readonly #startedAt: Micros;
  readonly #conversations = new Conversations();
  #transitions: string[] = [];
  #transitionsAt: Micros = 0;
  /** Answers that IP gave to the frame that is being processed: they follow its line. */
  #answers: string[] = [];

  /** @param startedAt the instant that the times of the lines are counted from */
  constructor(write: (line: string) => void, startedAt: Micros) {
    this.#write = write;
    this.#startedAt = startedAt;
  }

  sent(packet: PacketBuffer, reason: SendReason, now: Micros): void {
    const why = `sent: ${explainSend(reason)}`;
    const what = formatFrame(packet, this.#conversations);
    if (ANSWERS.has(reason)) this.#answers.push(`${this.#time(now)} > ${what} — ${why}`);
    else this.#line('>', what, why, now);
  }

  received(packet: PacketBuffer, drop: DropReason | null, now: Micros): void {
    const why = drop === null ? 'accepted' : `dropped: ${explainDrop(drop)}`;
    const answers = this.#answers;
    this.#answers = [];
    this.#line('<', formatFrame(packet, this.#conversations), why, now);
    for (const answer of answers) this.#write(answer);
  }

  unsent(packet: PacketBuffer, drop: DropReason, now: Micros): void {
    // it may have been dropped before it got a link header
    const hasLink = packet.link < packet.network;
    const what = hasLink
      ? formatFrame(packet, this.#conversations)
      : formatDatagram(packet, this.#conversations);
    this.#line('!', what, `not sent: ${explainDrop(drop)}`, now);
  }

  transition(connection: number, from: string, to: string, now: Micros): void {
    if (now !== this.#transitionsAt) this.flush();
    this.#transitions.push(`connection ${connection} ${from} -> ${to}`);
    this.#transitionsAt = now;
  }

  /** Writes what waits for a frame. */
  flush(): void {
    for (const answer of this.#answers) this.#write(answer);
    this.#answers = [];
    for (const transition of this.#transitions) {
      this.#write(`${this.#time(this.#transitionsAt)} * ${transition}`);
    }
    this.#transitions = [];
  }

  #line(arrow: string, what: string, why: string, now: Micros): void {
    if (now !== this.#transitionsAt || this.#answers.length > 0) this.flush();
    const line = `${this.#time(now)} ${arrow} ${what} — ${[why, ...this.#transitions].join('; ')}`;
    this.#transitions = [];
    this.#write(line);
  }

  #time(now: Micros): string {
    return ((now - this.#startedAt) / 1e6).toFixed(6);
  }
}
