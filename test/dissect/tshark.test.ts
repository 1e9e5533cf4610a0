import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import type { CapturedSegment } from '../../src/core/capture/capturedSegment.ts';
import { Analyser, type Analysis } from '../../src/core/dissect/analysis.ts';
import { other } from '../../src/core/dissect/conversations.ts';
import type { FindingName } from '../../src/core/dissect/findings.ts';
import { Flag } from '../../src/core/wire/tcp.ts';
import { captures } from './fixtures.ts';
import { type MergedCapture, merge } from './merged.ts';

const run = promisify(execFile);

/** Our findings that tshark knows as well: the names of its fields behind `tcp.analysis.`. */
const FIELDS = {
  retransmission: 'retransmission',
  'fast-retransmission': 'fast_retransmission',
  'spurious-retransmission': 'spurious_retransmission',
  'out-of-order': 'out_of_order',
  'previous-segment-missing': 'lost_segment',
  'acked-unseen': 'ack_lost_segment',
  'duplicate-ack': 'duplicate_ack',
  'zero-window': 'zero_window',
  'window-update': 'window_update',
  'window-full': 'window_full',
  'zero-window-probe': 'zero_window_probe',
  'zero-window-probe-ack': 'zero_window_probe_ack',
  'keep-alive': 'keep_alive',
  'keep-alive-ack': 'keep_alive_ack',
  'port-reuse': 'reused_ports',
} as const satisfies Partial<Record<FindingName, string>>;

type Compared = keyof typeof FIELDS;
const NAMES = Object.keys(FIELDS).filter(isCompared);

function isCompared(name: string): name is Compared {
  return name in FIELDS;
}

const COLUMNS = [
  'frame.number',
  'tcp.stream',
  'tcp.analysis.duplicate_ack_num',
  'tcp.analysis.acks_frame',
  'tcp.analysis.ack_rtt',
  ...NAMES.map((name) => `tcp.analysis.${FIELDS[name]}`),
];
const FIRST_FINDING = COLUMNS.length - NAMES.length;

/** What tshark says of one packet. */
interface Opinion {
  readonly stream: number;
  readonly names: ReadonlySet<Compared>;
  readonly duplicateAcks: number | null;
  /** The packet that it acknowledges, and how long that took. */
  readonly acked: number | null;
  readonly rttSeconds: number;
}

/** What the test itself keeps of one direction of a conversation, to judge a difference by. */
class Side {
  segments = 0;
  /** Behind all that was sent, relative; without the octets of probes. */
  highest = 0;
  highestSegment: CapturedSegment | null = null;
  /** Duplicate ACKs in a row that tshark did not take for such. */
  extraDuplicates = 0;
  window = -1;
  ack = -1;
  ackAt = 0;
  wasProbe = false;
  /** A probe of its own was not answered yet. */
  isProbed = false;
  sackBlocks: CapturedSegment['options']['sackBlocks'] = [];
}

/** A difference: of which packet, and what went before it. */
interface Context {
  readonly segment: CapturedSegment;
  readonly analysis: Analysis;
  readonly ours: ReadonlySet<Compared>;
  readonly theirs: ReadonlySet<Compared>;
  readonly from: Side;
  readonly to: Side;
}

/** A name that one of the two gives and the other does not, and why we do not follow tshark. */
interface Difference {
  readonly ours?: Compared;
  readonly theirs?: Compared;
  readonly when: (context: Context) => boolean;
  readonly why: string;
}

const isProbeOfClosedWindow = ({ to, segment }: Context): boolean =>
  to.window === 0 && segment.length <= 1;

/** Was it sent before (-1) or after (1) the one with the highest number? 0: nothing says so. */
function orderOf({ segment, from }: Context): number {
  const { highestSegment } = from;
  if (highestSegment === null) return 0;
  const stamp = segment.options.timestamps;
  const before = highestSegment.options.timestamps;
  const byTime = stamp === null || before === null ? 0 : Math.sign(stamp.value - before.value);
  if (byTime !== 0) return byTime;
  return Math.sign(segment.identification - highestSegment.identification);
}

const wasSentLater = (context: Context): boolean => orderOf(context) > 0;
const wasOvertaken = (context: Context): boolean => orderOf(context) < 0;
const SENT_LATER =
  'tshark judges by time alone; its timestamp, or the identification of its datagram, is newer ' +
  'than that of the segment that came before: it was sent later';
const OVERTAKEN = SENT_LATER.replace('newer', 'older').replace('sent later', 'overtaken');

const isCopy = ({ analysis }: Context): boolean =>
  analysis.findings.some(({ name }) => name === 'duplicated');
const COPY =
  'the same datagram again, by its identification: a copy is not sent, nor does it say anything';

const DIFFERENCES: readonly Difference[] = [
  ...NAMES.map((theirs) => ({ theirs, when: isCopy, why: COPY })),
  {
    ours: 'spurious-retransmission',
    theirs: 'retransmission',
    when: ({ segment, analysis, to }) =>
      segment.length === 0 &&
      (segment.flags & (Flag.SYN | Flag.FIN)) !== 0 &&
      analysis.placement.seq < to.ack,
    why: 'tshark asks only of text whether it was acknowledged: SYN and FIN have numbers as well',
  },
  {
    ours: 'fast-retransmission',
    theirs: 'retransmission',
    when: ({ segment, to }) => segment.time - to.ackAt >= 20_000,
    why:
      'tshark wants it within 20 ms of the ACK that asks for it; where a capture was not made at ' +
      'its sender, it comes one RTT later',
  },
  {
    ours: 'fast-retransmission',
    theirs: 'retransmission',
    when: ({ segment, to }) =>
      to.sackBlocks.length > 0 &&
      !to.sackBlocks.some(([left, right]) => left <= segment.seq && segment.seq < right),
    why: 'RFC 6675: SACK blocks that leave it out ask for it, without two duplicate ACKs',
  },
  {
    ours: 'fast-retransmission',
    theirs: 'out-of-order',
    when: wasSentLater,
    why: SENT_LATER,
  },
  { ours: 'retransmission', theirs: 'out-of-order', when: wasSentLater, why: SENT_LATER },
  { ours: 'out-of-order', theirs: 'fast-retransmission', when: wasOvertaken, why: OVERTAKEN },
  { ours: 'out-of-order', theirs: 'retransmission', when: wasOvertaken, why: OVERTAKEN },
  {
    ours: 'keep-alive-ack',
    theirs: 'duplicate-ack',
    when: ({ to }) => to.isProbed,
    why: 'keepalives of both ends crossed: the ACK answers the one before the last segment',
  },
  {
    theirs: 'duplicate-ack',
    when: ({ analysis, to }) => analysis.placement.ack >= to.highest,
    why: 'RFC 5681 2 (a): without text in flight an ACK that comes again is no duplicate ACK',
  },
  {
    ours: 'duplicate-ack',
    when: ({ segment, theirs, from }) =>
      segment.options.sackBlocks.length > 0 &&
      segment.window !== from.window &&
      theirs.has('window-update'),
    why: 'RFC 6675 2: with a new SACK block it is a duplicate ACK, whatever its window is',
  },
  {
    theirs: 'acked-unseen',
    when: ({ analysis, to }) => analysis.placement.ack <= to.highest,
    why: 'all of it was captured: tshark follows segments only that begin where the last one ended',
  },
  {
    theirs: 'retransmission',
    when: ({ analysis, from }) => analysis.placement.seq >= from.highest,
    why: 'it lies beyond all that was sent: tshark counts the SEG.SEQ of a RST as sent, believed or not',
  },
  {
    theirs: 'port-reuse',
    when: ({ segment }) => (segment.flags & Flag.ACK) !== 0,
    why: 'a second answer to a SYN, with another ISS, is no second use of the port',
  },
  {
    theirs: 'window-update',
    when: ({ from }) => from.segments === 0,
    why: 'the first segment of its sender has no window before it that it could update',
  },
  {
    ours: 'zero-window-probe',
    theirs: 'keep-alive',
    when: isProbeOfClosedWindow,
    why:
      'Linux probes a zero window at SND.UNA-1 without an octet, which looks as a keepalive does; ' +
      'but that window was closed by text, so there is more to send (RFC 9293 3.8.6.1)',
  },
  {
    ours: 'zero-window-probe-ack',
    when: ({ segment, to }) => segment.window === 0 && to.wasProbe,
    why: 'the answer to a probe that tshark took for a keepalive (see above)',
  },
];

/** @returns null: no row explains it */
function explain(context: Context, ours: Compared | null, theirs: Compared | null): number | null {
  const row = DIFFERENCES.findIndex(
    (d) =>
      (d.ours === undefined ? ours === null : d.ours === ours) &&
      (d.theirs === undefined ? theirs === null : d.theirs === theirs) &&
      d.when(context),
  );
  return row < 0 ? null : row;
}

/** Names that stand alone, and pairs of one that we and another that tshark gives instead. */
function differencesOf({ ours, theirs }: Context): [Compared | null, Compared | null][] {
  const extra = [...ours].filter((name) => !theirs.has(name));
  const missing = [...theirs].filter((name) => !ours.has(name));
  const pairs: [Compared | null, Compared | null][] = [];
  for (const name of extra) {
    const at = missing.findIndex((m) => DIFFERENCES.some((d) => d.ours === name && d.theirs === m));
    pairs.push([name, at < 0 ? null : (missing.splice(at, 1)[0] ?? null)]);
  }
  return [...pairs, ...missing.map((name): [null, Compared] => [null, name])];
}

async function opinions(path: string): Promise<Map<number, Opinion>> {
  const columns = COLUMNS.flatMap((column) => ['-e', column]);
  const args = ['-n', '-r', path, '-T', 'fields', '-E', 'occurrence=f', ...columns];
  const { stdout } = await run('tshark', args, { maxBuffer: 1 << 28 });
  const rows = stdout.split('\n').filter((line) => line !== '');
  return new Map(
    rows.map((line) => {
      const cells = line.split('\t');
      const number = (i: number): number | null => (cells[i] ? Number(cells[i]) : null);
      const names = new Set(NAMES.filter((_, i) => cells[FIRST_FINDING + i]));
      // tshark counts the special ones among retransmissions in general
      if (names.has('fast-retransmission') || names.has('spurious-retransmission')) {
        names.delete('retransmission');
      }
      const opinion = {
        stream: number(1) ?? -1,
        names,
        duplicateAcks: number(2),
        acked: number(3),
        rttSeconds: number(4) ?? 0,
      };
      return [Number(cells[0]), opinion];
    }),
  );
}

/**
 * Compares one capture.
 * @param theirs by the number of the packet in the merged capture
 * @param firstStream their number of its first conversation
 * @returns what is not explained, a line for each
 */
function compare(
  { path, segments, first }: MergedCapture,
  theirs: ReadonlyMap<number, Opinion>,
  firstStream: number,
  explained: number[],
): string[] {
  const analyser = new Analyser();
  const sides = new Map<number, [Side, Side]>();
  const unexplained: string[] = [];
  for (const [i, segment] of segments.entries()) {
    const opinion = theirs.get(first + i);
    const analysis = analyser.add({ ...segment, number: first + i });
    const { placement } = analysis;
    const { stream } = placement.conversation;
    const pair = sides.get(stream) ?? [new Side(), new Side()];
    sides.set(stream, pair);
    const from = pair[placement.direction];
    const to = pair[other(placement.direction)];
    const ours = new Set(analysis.findings.map(({ name }) => name).filter(isCompared));
    const context = { segment, analysis, ours, theirs: opinion?.names ?? new Set(), from, to };
    const tell = (what: string): number =>
      unexplained.push(`${basename(path)} packet ${segment.number}: ${what}`);
    const theirStream = (opinion?.stream ?? -1) - firstStream;
    if (theirStream !== stream) tell(`stream ${stream}, tshark: ${theirStream}`);
    for (const [mine, other] of differencesOf(context)) {
      const row = explain(context, mine, other);
      if (row === null) tell(`${mine ?? 'nothing'}, tshark: ${other ?? 'nothing'}`);
      else explained[row] = (explained[row] ?? 0) + 1;
    }
    compareNumbers(context, opinion, tell);
    countIn(context);
  }
  return unexplained;
}

/** Where both give one: the number of a duplicate ACK, and the RTT of the same packet. */
function compareNumbers(
  { analysis: { findings, rtt, placement }, theirs, from }: Context,
  opinion: Opinion | undefined,
  tell: (what: string) => void,
): void {
  const count = findings.find(({ name }) => name === 'duplicate-ack')?.count ?? null;
  if (placement.ack !== from.ack) from.extraDuplicates = 0;
  if (count !== null && !theirs.has('duplicate-ack')) from.extraDuplicates++;
  const theirCount = opinion?.duplicateAcks ?? null;
  // those that the table explains count as well
  if (count !== null && theirCount !== null && count !== theirCount + from.extraDuplicates) {
    tell(`duplicate ACK number ${count}, tshark: ${theirCount} and ${from.extraDuplicates} more`);
  }
  if (rtt === null || rtt.of !== opinion?.acked) return;
  // tshark has nanoseconds where a file has
  if (Math.abs(rtt.micros - opinion.rttSeconds * 1e6) > 1.5) {
    tell(`RTT of packet ${rtt.of} ${rtt.micros} µs, tshark: ${opinion.rttSeconds} s`);
  }
}

function countIn(context: Context): void {
  const { segment, analysis, ours, from, to } = context;
  if (isCopy(context)) return;
  const { seq, ack } = analysis.placement;
  const isProbe = ours.has('zero-window-probe') || ours.has('keep-alive');
  const isSyn = (segment.flags & Flag.SYN) !== 0;
  const isFin = (segment.flags & Flag.FIN) !== 0;
  const end = seq + segment.length + (isSyn ? 1 : 0) + (isFin ? 1 : 0);
  if (!isProbe && (segment.flags & Flag.RST) === 0 && end > from.highest) {
    from.highest = end;
    from.highestSegment = segment;
  }
  from.segments++;
  from.window = segment.window;
  if ((segment.flags & Flag.ACK) !== 0) {
    from.ack = ack;
    from.ackAt = segment.time;
  }
  from.wasProbe = isProbe;
  from.isProbed ||= isProbe;
  if (!isProbe) to.isProbed = false;
  from.sackBlocks = segment.options.sackBlocks;
}

function cannotRun(): string | null {
  try {
    execFileSync('tshark', ['--version'], { stdio: 'ignore' });
    return null;
  } catch {
    return 'tshark does not run here';
  }
}

test('findings are those of tshark, or the difference is explained', async (t) => {
  t.timeout(180_000);
  const { paths, missing } = captures();
  for (const why of missing) t.log(`SKIPPED: ${why}`);
  const why = cannotRun();
  if (why !== null || paths.length === 0) {
    t.log(`SKIPPED: ${why ?? 'there are no captures'}`);
    t.pass();
    return;
  }
  const directory = mkdtempSync(join(tmpdir(), 'glasstcp-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'merged.pcap');
  const merged = await merge(paths, path);
  const theirs = await opinions(path);
  const explained = DIFFERENCES.map(() => 0);
  const unexplained: string[] = [];
  for (const capture of merged) {
    const { segments, first } = capture;
    // as many conversations as all captures before it had
    const firstStream = theirs.get(first)?.stream ?? 0;
    unexplained.push(...compare(capture, theirs, firstStream, explained));
    t.true(segments.length === 0 || theirs.has(first + segments.length - 1), capture.path);
  }
  const agreed = [...theirs.values()].reduce((sum, { names }) => sum + names.size, 0);
  t.log(`${paths.length} captures, ${theirs.size} segments, ${agreed} findings of tshark`);
  t.true(agreed > 0);
  for (const [i, { why }] of DIFFERENCES.entries()) {
    if (explained[i] !== 0) t.log(`${explained[i]} times: ${why}`);
  }
  t.deepEqual(unexplained, []);
});
