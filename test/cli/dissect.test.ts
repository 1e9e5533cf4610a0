import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { runCommandLine } from '../../src/cli/commandLine.ts';
import { GLASSTCP, glasstcp, Running, resultOf, runGlasstcp } from './processes.ts';

/** A SYN-ACK that is lost once: 13 packets of Linux. */
const CAPTURE = 'test/cli/dissect/loss-syn-ack.pcap';
const EXPECTED = readFileSync('test/cli/dissect/loss-syn-ack.txt', 'utf8');

function temporary(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'glasstcp-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  return directory;
}

test('a capture is told packet by packet, and its conversation', async (t) => {
  const { code, stdout, stderr } = await runGlasstcp(t, 'dissect', CAPTURE);
  t.is(stderr, '');
  t.is(stdout.toString(), EXPECTED);
  t.is(code, 0);
});

test('it may come packed, on standard input', async (t) => {
  const packed = gzipSync(readFileSync(CAPTURE));
  const { code, stdout } = await glasstcp(t, 'dissect', '-').input(packed).ended;
  t.is(stdout.toString(), EXPECTED);
  t.is(code, 0);
});

test('--conversations leaves the packets out', async (t) => {
  const { stdout } = await runGlasstcp(t, 'dissect', '--conversations', CAPTURE);
  t.is(stdout.toString(), EXPECTED.slice(EXPECTED.indexOf('\n\n') + 2));
});

test('--json: the last line has the conversations, and the findings by packet', async (t) => {
  const result = resultOf(await runGlasstcp(t, 'dissect', '--json', CAPTURE));
  t.like(result, {
    command: 'dissect',
    ok: true,
    file: CAPTURE,
    format: 'pcap',
    linkTypes: [1],
    packets: 13,
    segments: 13,
    streams: 1,
    forgotten: 0,
    findingsLeftOut: 0,
    problem: null,
  });
  t.like(result['conversations'], [
    {
      stream: 0,
      firstPacket: 1,
      duration: 1_140_215,
      opened: 'handshake',
      ended: 'closed',
      endedBy: 0,
      agreed: ['window scale', 'SACK', 'timestamps'],
      findings: {
        retransmission: 1,
        'spurious-retransmission': 1,
        'retransmission-not-needed': 1,
        'challenge-ack': 1,
      },
    },
  ]);
  t.like(result['findings'], [
    { packet: 2, stream: 0, findings: [{ name: 'retransmission', rfc: 'RFC 6298 5.4', about: 1 }] },
    { packet: 3, stream: 0, findings: [{ name: 'retransmission-not-needed', about: 2 }] },
    { packet: 5, stream: 0, findings: [{ name: 'spurious-retransmission' }] },
    { packet: 6, stream: 0, findings: [{ name: 'challenge-ack', about: 5 }] },
  ]);
});

test('a file that ends too soon: what could be read, and one line on where it ends', async (t) => {
  const path = join(temporary(t), 'cut.pcap');
  writeFileSync(path, readFileSync(CAPTURE).subarray(0, 250));
  const ended = await runGlasstcp(t, 'dissect', '--json', path);
  t.is(ended.code, 0);
  t.is(ended.stdout.toString().split('\n')[1], EXPECTED.split('\n')[1]);
  t.regex(ended.stderr, /^glasstcp: [^\n]*cut off [^\n]* after packet 2\n$/);
  t.regex(String(resultOf(ended)['problem']), /cut off/);
});

const MISUSES: [string, RegExp][] = [
  ['dissect', /^missing required argument 'file'/],
  ['dissect no-such-file.pcap', /^no-such-file.pcap cannot be read: no such file or directory$/],
  ['dissect test', /^test cannot be read: it is a directory$/],
  ['dissect package.json', /^package.json: no capture: it begins with 0x/],
  [`dissect --stream 1 ${CAPTURE}`, /^.*loss-syn-ack.pcap has no conversation 1: it has 0 to 0$/],
  [`dissect --stream one ${CAPTURE}`, /'one' is invalid. Conversations are numbered from 0: see/],
  [`dissect --stream -1 ${CAPTURE}`, /numbered from 0/],
  [`dissect ${CAPTURE} ${CAPTURE}`, /^too many arguments/],
];

for (const [line, expected] of MISUSES) {
  test(`"glasstcp ${line}" is called wrongly: exit code 2 and one line`, async (t) => {
    const said: string[] = [];
    // with --conversations nothing is written before it is known to be wrong
    const args = [...line.split(' '), '--conversations'];
    const code = await runCommandLine(args, (complaint) => said.push(complaint));
    t.is(code, 2);
    t.is(said.length, 1);
    t.regex(said[0] ?? '', /^glasstcp: [^\n]+$/);
    t.regex((said[0] ?? '').slice('glasstcp: '.length), expected);
  });
}

/** SYNs of many conversations, as a capture. */
function manySyns(count: number): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65535, 16);
  header.writeUInt32LE(101, 20);
  const syn = Buffer.from(
    '4500002800070000400600000a6b00010a6b0002' + '9c400050000003e8000000005002020000000000',
    'hex',
  );
  const records: Buffer[] = [header];
  for (let i = 0; i < count; i++) {
    const record = Buffer.alloc(16 + syn.length);
    record.writeUInt32LE(i, 0);
    record.writeUInt32LE(syn.length, 8);
    record.writeUInt32LE(syn.length, 12);
    syn.copy(record, 16);
    record.writeUInt16BE(1024 + (i % 60_000), 16 + 20);
    record.writeUInt32BE(i, 16 + 24);
    records.push(record);
  }
  return Buffer.concat(records);
}

test('a reader that goes away is no failure', async (t) => {
  const path = join(temporary(t), 'many.pcap');
  writeFileSync(path, manySyns(20_000));
  const line = `set -o pipefail; ${GLASSTCP.join(' ')} dissect ${path} | head -n 1`;
  const { code, stdout, stderr } = await new Running(t, ['bash', '-c', line]).input('').ended;
  t.is(stderr, '');
  t.is(stdout.toString().split('\n').length, 2);
  t.is(code, 0);
});

test('of more conversations than are kept, the longest silent are left out, and counted', async (t) => {
  const path = join(temporary(t), 'many.pcap');
  writeFileSync(path, manySyns(16_400));
  const ended = await runGlasstcp(t, 'dissect', '--conversations', '--json', path);
  t.like(resultOf(ended), { streams: 16_400, forgotten: 16 });
  t.regex(ended.stdout.toString(), /^stream 16:/);
  t.regex(ended.stdout.toString(), /\n16 more are not listed[^\n]*\n\{/);
});
