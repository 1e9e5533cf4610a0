import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { CapturedPacket } from '../../src/core/capture/capturedPacket.ts';
import { readPackets } from '../../src/core/capture/captureReader.ts';
import { parseIcmpError } from '../../src/core/capture/parseIcmpError.ts';
import { parseSegment } from '../../src/core/capture/parseSegment.ts';
import { pcapFile, pcapngFile } from './captureFiles.ts';

const CAPTURES = new URL('../../../shared/pcaps/', import.meta.url).pathname;

function directory(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'glasstcp-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

/** @returns standard output, or null where the tool is missing, which is logged */
function run(t: ExecutionContext, tool: string, ...args: string[]): string | null {
  const ended = spawnSync(tool, args, { encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } });
  if (ended.error !== undefined) {
    t.log(`SKIPPED: ${tool} does not run here`);
    t.pass();
    return null;
  }
  t.is(ended.status, 0, ended.stderr);
  t.notRegex(ended.stderr, /error|truncated|corrupt|cut short|damaged/i);
  return ended.stdout;
}

/** What all formats keep; the finest unit of some is a microsecond. */
function common(packets: readonly CapturedPacket[]): unknown[] {
  return packets.map(({ number, time, linkType, octets, originalLength }) => ({
    number,
    time,
    linkType,
    octets,
    originalLength,
  }));
}

const FRAMES = [60, 61, 1514, 0, 9000].map((length, n) => ({
  octets: new Uint8Array(length).fill(n),
  time: 1_700_000_000_123_456 + n * 999_999,
  nanos: n * 111,
  comments: [`packet ${n + 1}: ü`],
}));

for (const format of ['pcap', 'nsecpcap', 'modpcap', 'nokiapcap', 'pcapng'] as const) {
  test(`${format} as Wireshark writes it is read equally`, (t) => {
    const folder = directory(t);
    const [from, to] = [join(folder, 'from.pcapng'), join(folder, 'to')];
    writeFileSync(from, pcapngFile(FRAMES, { resolution: 'nanos' }));
    if (run(t, 'editcap', '-F', format, from, to) === null) return;
    const { packets, problem } = readPackets(readFileSync(to));
    if (format === 'nokiapcap') {
      // the same magic number with other headers: nobody can tell, and nothing may throw
      t.true(packets.length <= FRAMES.length + 1);
      return;
    }
    t.is(problem, null);
    const original = readPackets(readFileSync(from)).packets;
    t.deepEqual(common(packets), common(original));
    const nanos = format === 'nsecpcap' || format === 'pcapng';
    t.deepEqual(
      packets.map((p) => p.nanos),
      original.map((p) => (nanos ? p.nanos : 0)),
    );
    const comments = format === 'pcapng' ? original.map((p) => p.comments) : [[], [], [], [], []];
    t.deepEqual(
      packets.map((p) => p.comments),
      comments,
    );
  });
}

test('files of several interfaces and resolutions as mergecap writes them', (t) => {
  const folder = directory(t);
  const [a, b, to] = ['a', 'b', 'to'].map((name) => join(folder, name));
  writeFileSync(a ?? '', pcapFile(FRAMES));
  writeFileSync(b ?? '', pcapngFile(FRAMES, { resolution: 'nanos', linkType: 101 }));
  if (run(t, 'mergecap', '-a', '-w', to ?? '', a ?? '', b ?? '') === null) return;
  const { packets, problem, linkTypes } = readPackets(readFileSync(to ?? ''));
  t.is(problem, null);
  t.deepEqual(linkTypes, [1, 101]);
  t.deepEqual(
    packets.map((p) => [p.time, p.octets]),
    [...FRAMES, ...FRAMES].map((p) => [p.time, p.octets]),
  );
});

for (const [format, write] of [
  ['pcap', pcapFile],
  ['pcapng', pcapngFile],
] as const) {
  for (const resolution of ['micros', 'nanos'] as const) {
    test(`${format} with ${resolution} is what tcpdump and tshark read without complaint`, (t) => {
      const path = join(directory(t), `file.${format}`);
      writeFileSync(path, write(FRAMES, { resolution, snapLength: 1000 }));
      const dump = run(t, 'tcpdump', '-n', '-tt', '--nano', '-r', path);
      if (dump !== null) t.regex(dump, /^1700000000\.123456/);
      const fields = ['frame.time_epoch', 'frame.cap_len', 'frame.len', 'frame.comment'];
      const table = run(
        t,
        'tshark',
        '-r',
        path,
        '-T',
        'fields',
        ...fields.flatMap((f) => ['-e', f]),
      );
      if (table === null) return;
      const expected = FRAMES.map(({ octets, time, nanos, comments }) => {
        const fraction = `${String(time % 1e6).padStart(6, '0')}${String(
          resolution === 'nanos' ? nanos : 0,
        ).padStart(3, '0')}`;
        const seconds = `${Math.floor(time / 1e6)}.${fraction}`;
        const kept = Math.min(octets.length, 1000);
        return [seconds, kept, octets.length, format === 'pcap' ? '' : comments[0]].join('\t');
      });
      t.deepEqual(
        table
          .trimEnd()
          .split('\n')
          .map((line) => line.trimEnd()),
        expected.map((line) => line.trimEnd()),
      );
    });
  }
}

test('directions and the program are seen by Wireshark', (t) => {
  const folder = directory(t);
  const path = join(folder, 'ways.pcapng');
  const [octets, time] = [new Uint8Array(60), 1];
  writeFileSync(
    path,
    pcapngFile([
      { octets, time, direction: 'in' },
      { octets, time, direction: 'out' },
    ]),
  );
  const fields = ['frame.packet_flags_direction', 'frame.interface_name'];
  const table = run(t, 'tshark', '-r', path, '-T', 'fields', ...fields.flatMap((f) => ['-e', f]));
  if (table !== null)
    t.deepEqual(table.trim().split('\n'), ['0x00000001\tglass0', '0x00000002\tglass0']);
  const infos = run(t, 'capinfos', path);
  if (infos !== null) t.regex(infos, /Capture application: +glasstcp/);
});

test('captures of other stacks: every packet is read, and segments are those of tshark', (t) => {
  if (!existsSync(CAPTURES)) {
    t.log(`SKIPPED: there is no ${CAPTURES}`);
    t.pass();
    return;
  }
  const fields = [
    'tcp.seq_raw',
    'tcp.ack_raw',
    'tcp.window_size_value',
    'tcp.len',
    'tcp.checksum.status',
  ];
  const options = ['-o', 'tcp.check_checksum:TRUE', '-o', 'tcp.relative_sequence_numbers:FALSE'];
  for (const name of readdirSync(CAPTURES).filter((n) => n.endsWith('.pcap'))) {
    const path = join(CAPTURES, name);
    const { packets, problem } = readPackets(readFileSync(path));
    t.is(problem, null, name);
    const ours = packets.map((packet) => {
      t.is(parseIcmpError(packet), null);
      const s = parseSegment(packet);
      if (s === null) return '';
      const status = { good: '1', bad: '0', offloaded: '0', unknown: '2' }[s.checksum];
      return [s.seq, s.ack, s.window, s.length, status].join('\t');
    });
    const table = run(
      t,
      'tshark',
      ...options,
      '-r',
      path,
      '-T',
      'fields',
      ...fields.flatMap((f) => ['-e', f]),
    );
    if (table === null) return;
    t.deepEqual(
      ours,
      table
        .replace(/\n$/, '')
        .split('\n')
        .map((line) => line.trim()),
      name,
    );
  }
});
