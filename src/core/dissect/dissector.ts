import type { CapturedPacket } from '../capture/capturedPacket.ts';
import { parseIcmpError } from '../capture/parseIcmpError.ts';
import { parseSegment } from '../capture/parseSegment.ts';
import { Conversations } from '../trace/conversations.ts';
import { Analyser, type AnalyserOptions, type Analysis } from './analysis.ts';
import { describeAnalysis } from './describe.ts';
import { formatPacket, formatTimeOfDay } from './packetLine.ts';
import type { ConversationSummary } from './tally.ts';

/** Columns of the packet number, as `tcpdump --number` has them. */
const NUMBER_WIDTH = 5;

/** A packet of a capture, told. */
export interface DissectedPacket {
  /** Of the conversation that it belongs to, or that it reports an error about; null: of none. */
  readonly stream: number | null;
  /** null: it is no segment of TCP. */
  readonly analysis: Analysis | null;
  /** The packet as `tcpdump -n --number` shows it (times in UTC), and what it is. */
  line(): string;
}

/** Tells a capture packet by packet, and at the end each conversation. */
export class Dissector {
  /** Conversations, segments and what is forgotten are counted there. */
  readonly analyser: Analyser;
  segments = 0;
  readonly #numbers = new Conversations();

  constructor(options: AnalyserOptions = {}) {
    this.analyser = new Analyser(options);
  }

  /** The next packet of the capture; its octets are not kept. */
  add(packet: CapturedPacket): DissectedPacket {
    const segment = parseSegment(packet);
    const analysis = segment === null ? null : this.analyser.add(segment);
    if (analysis !== null) this.segments++;
    const stream =
      analysis === null ? this.#streamOfError(packet) : analysis.placement.conversation.stream;
    const text = formatPacket(packet, this.#numbers);
    return {
      stream,
      analysis,
      line: () => {
        const number = String(packet.number).padStart(NUMBER_WIDTH);
        const line = `${number}  ${formatTimeOfDay(packet.time)} ${text}`;
        if (analysis !== null) return `${line} — ${describeAnalysis(analysis)}`;
        return stream === null ? line : `${line} — about stream ${stream}`;
      },
    };
  }

  conversations(): ConversationSummary[] {
    return this.analyser.conversations();
  }

  #streamOfError(packet: CapturedPacket): number | null {
    const quoted = parseIcmpError(packet)?.quoted ?? null;
    if (quoted === null) return null;
    return this.analyser.streamOf(
      { address: quoted.source, port: quoted.sourcePort },
      { address: quoted.destination, port: quoted.destinationPort },
    );
  }
}
