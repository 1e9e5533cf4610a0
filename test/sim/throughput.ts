import { type Micros, MS, SECOND } from '../../src/core/base/time.ts';
import { createPair } from '../../src/core/sim/network.ts';
import { CONGESTION_CONTROLS, type CongestionControlName } from '../../src/core/tcp/config.ts';
import { open } from './randomRun.ts';

/** Bits per second on the wire, each way. */
const RATE = 100e6;
/** Octets of a full frame, and of text in it. */
const FRAME = 1514;
const TEXT = 1448;
/** A queue is not shorter: it holds a burst of 64 KiB, as it leaves a host with segmentation offload. */
const SHORTEST_QUEUE = 48;
const SEED = 1;
const WARM_UP = 2 * SECOND;
const MEASURED = 10 * SECOND;

export const RTTS_MS = [1, 20, 100] as const;
/** Per cent of the frames, each way. */
export const LOSSES = [0, 0.01, 0.1, 1, 3, 10] as const;

/** One cell of the table. */
export interface Cell {
  readonly control: CongestionControlName;
  readonly rttMs: number;
  /** Per cent. */
  readonly loss: number;
}

/** What came of it. */
export interface Measured {
  /** Text in Mbit/s. */
  readonly rate: number;
  /** ... as a share of what the wire can carry. */
  readonly share: number;
  /** Segments sent again, and timeouts, from the beginning. */
  readonly retransmitted: number;
  readonly timeouts: number;
}

/** Frames that a queue of one product of bandwidth and delay holds. */
export function queueOf(rttMs: number): number {
  const octets = (RATE / 8) * (rttMs / 1000);
  return Math.max(SHORTEST_QUEUE, Math.ceil(octets / FRAME));
}

/** A stream from one host to another, with all defaults but the controller. */
export function measure({ control, rttMs, loss }: Cell): Measured {
  const host = { impairment: { loss: loss / 100 }, config: { congestionControl: control } };
  const delay = (rttMs * MS) / 2;
  const pair = createPair({
    delay,
    rate: RATE,
    queue: queueOf(rttMs),
    seed: SEED,
    a: host,
    b: host,
  });
  const { network } = pair;
  const { client, accepted } = open(pair);
  network.runUntil(() => accepted() !== null);
  const chunk = new Uint8Array(65_536);
  const pass = (time: Micros): number => {
    let octets = 0;
    network.runUntil(() => {
      while (client.send(chunk) > 0);
      for (let count = -1; count !== 0; octets += count) count = accepted()?.receive(chunk) ?? 0;
      return false;
    }, network.now + time);
    return octets;
  };
  pass(WARM_UP);
  const bits = pass(MEASURED) * 8 * (SECOND / MEASURED);
  const { tcpRetransSegs, TCPTimeouts } = pair.a.tcp.counters;
  return {
    rate: bits / 1e6,
    share: bits / (RATE * (TEXT / FRAME)),
    retransmitted: tcpRetransSegs,
    timeouts: TCPTimeouts,
  };
}

/** A row of the table: its beginning, and the cells behind it. */
export interface Row {
  readonly rttMs: number;
  readonly loss: number;
}

/** All rows, in the order of the table. */
export const ROWS: readonly Row[] = RTTS_MS.flatMap((rttMs) =>
  LOSSES.map((loss) => ({ rttMs, loss })),
);

/** What the table says of a cell. */
export function cellText({ rate, retransmitted, timeouts }: Measured): string {
  return `${rate.toFixed(2)} (${retransmitted}, ${timeouts})`;
}

/** Measures a row. @returns its line, without a newline */
export function rowLine({ rttMs, loss }: Row): string {
  const cells = CONGESTION_CONTROLS.map((control) => cellText(measure({ control, rttMs, loss })));
  return `${rowHead({ rttMs, loss })} ${cells.join(' | ')} |`;
}

function rowHead({ rttMs, loss }: Row): string {
  return `| ${rttMs} ms | ${loss} % |`;
}

/** Reads a cell of the table; '': there is none. */
export function cellIn(table: string, { control, rttMs, loss }: Cell): string {
  const lines = table.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
  const head = lines.find((cells) => cells[1] === 'RTT') ?? [];
  const row = lines.find((cells) => cells[1] === `${rttMs} ms` && cells[2] === `${loss} %`);
  return row?.[head.indexOf(control)] ?? '';
}

/** The whole table with its head, of the lines of {@link ROWS}. */
export function document(lines: readonly string[]): string {
  return [
    '# Throughput',
    '',
    'A stream over a wire of 100 Mbit/s, in virtual time: text in Mbit/s (segments sent again, timeouts).',
    `Of 100 Mbit/s ${((RATE / 1e6) * (TEXT / FRAME)).toFixed(2)} can be text. The queue of the wire holds one product of bandwidth and`,
    `delay, but not less than ${SHORTEST_QUEUE} frames. Frames are lost by chance, each way. After ${WARM_UP / SECOND} s, ${MEASURED / SECOND} s are`,
    'measured; both ends have all defaults but the controller.',
    '',
    'The tests compare these numbers with what the code does now. To write them anew:',
    '',
    '```sh',
    'GLASS_WRITE_THROUGHPUT=1 npm run test:long -- test/long/throughput.long.ts',
    '```',
    '',
    `| RTT | loss | ${CONGESTION_CONTROLS.join(' | ')} |`,
    `|---|---|${CONGESTION_CONTROLS.map(() => '---|').join('')}`,
    ...lines,
    '',
  ].join('\n');
}

/** Where the table is. */
export const TABLE = new URL('throughput.md', import.meta.url);
