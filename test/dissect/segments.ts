import type { CapturedOptions, CapturedSegment } from '../../src/core/capture/capturedSegment.ts';
import { Flag } from '../../src/core/wire/tcp.ts';

/** Letters of flags as tcpdump shows them. */
const FLAGS: Readonly<Record<string, number>> = {
  F: Flag.FIN,
  S: Flag.SYN,
  R: Flag.RST,
  P: Flag.PSH,
  '.': Flag.ACK,
  U: Flag.URG,
  E: Flag.ECE,
  W: Flag.CWR,
};

/** What may be said of a segment besides its ends, flags and numbers. */
export interface SegmentFields {
  /** Microseconds after the one before; 1000 if not given. */
  readonly after?: number;
  readonly length?: number;
  readonly window?: number;
  readonly mss?: number;
  readonly shift?: number;
  readonly sackOk?: boolean;
  /** TSval and TSecr. */
  readonly ts?: readonly [number, number];
  /** Edges, not relative. */
  readonly sack?: readonly (readonly [number, number])[];
  /** The port of the client; 40000 if not given. */
  readonly port?: number;
}

/** Makes the segments of conversations of 10.0.0.1 (the client) with 10.0.0.2, port 80. */
export class Recorder {
  readonly segments: CapturedSegment[] = [];
  #time = 1_700_000_000_000_000;

  /** From the client to the server. */
  client(flags: string, seq: number, ack: number, fields: SegmentFields = {}): CapturedSegment {
    const { port = 40_000 } = fields;
    return this.#add(['10.0.0.1', port, '10.0.0.2', 80], flags, seq, ack, fields);
  }

  /** From the server to the client. */
  server(flags: string, seq: number, ack: number, fields: SegmentFields = {}): CapturedSegment {
    const { port = 40_000 } = fields;
    return this.#add(['10.0.0.2', 80, '10.0.0.1', port], flags, seq, ack, fields);
  }

  #add(
    [source, sourcePort, destination, destinationPort]: [string, number, string, number],
    letters: string,
    seq: number,
    ack: number,
    fields: SegmentFields,
  ): CapturedSegment {
    this.#time += fields.after ?? 1000;
    let flags = 0;
    for (const letter of letters) flags |= FLAGS[letter] ?? 0;
    const length = fields.length ?? 0;
    const segment: CapturedSegment = {
      number: this.segments.length + 1,
      time: this.#time,
      nanos: 0,
      source,
      sourcePort,
      destination,
      destinationPort,
      ipVersion: 4,
      ttl: 64,
      trafficClass: 0,
      identification: 0,
      dontFragment: true,
      seq,
      ack,
      flags,
      window: fields.window ?? 1000,
      urgentPointer: 0,
      options: optionsOf(fields),
      length,
      text: new Uint8Array(length),
      checksum: 'good',
      datagram: new Uint8Array(0),
    };
    this.segments.push(segment);
    return segment;
  }
}

function optionsOf({ mss, shift, sackOk, ts, sack }: SegmentFields): CapturedOptions {
  return {
    mss: mss ?? null,
    windowShift: shift ?? null,
    sackPermitted: sackOk ?? false,
    timestamps: ts === undefined ? null : { value: ts[0], echo: ts[1] },
    sackBlocks: sack ?? [],
    fastOpenCookie: null,
    kinds: [],
  };
}
