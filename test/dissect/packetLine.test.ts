import { execFileSync } from 'node:child_process';
import { basename } from 'node:path';
import test from 'ava';
import type { CapturedPacket } from '../../src/core/capture/capturedPacket.ts';
import { LinkType } from '../../src/core/capture/networkLayer.ts';
import { formatPacket, formatTimeOfDay } from '../../src/core/dissect/packetLine.ts';
import { Conversations } from '../../src/core/trace/conversations.ts';
import { readCapture } from '../../src/node/captureInput.ts';
import { captures } from './fixtures.ts';

/** SYN of 10.107.0.1.40000 > 10.107.0.2.80 in IPv4. */
const SYN4 =
  '4500 0028 0007 0000 4006 0000 0a6b0001 0a6b0002 9c40 0050 000003e8 00000000 5002 0200 0000 0000';
const SYN6 =
  '60000000 0014 06 40 20010db8000000000000000000000001 20010db8000000000000000000000002 ' +
  '9c40 0050 000003e8 00000000 5002 0200 0000 0000';
const LINE4 = 'IP 10.107.0.1.40000 > 10.107.0.2.80: Flags [S], seq 1000, win 512, length 0';
const LINE6 = 'IP6 2001:db8::1.40000 > 2001:db8::2.80: Flags [S], seq 1000, win 512, length 0';

function packet(linkType: number, hex: string): CapturedPacket {
  const octets = Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
  const originalLength = octets.length;
  return { number: 1, time: 0, nanos: 0, linkType, octets, originalLength, comments: [] };
}

function line(linkType: number, hex: string): string {
  return formatPacket(packet(linkType, hex), new Conversations());
}

test('a datagram is shown alike on every kind of link', (t) => {
  const macs = '02000a6b0002 020000000001';
  t.is(line(LinkType.ETHERNET, `${macs} 0800 ${SYN4}`), LINE4);
  t.is(line(LinkType.ETHERNET, `${macs} 86dd ${SYN6}`), LINE6);
  t.is(line(LinkType.ETHERNET, `${macs} 8100 0005 0800 ${SYN4}`), LINE4);
  t.is(line(LinkType.RAW, SYN4), LINE4);
  t.is(line(LinkType.RAW, SYN6), LINE6);
  t.is(line(LinkType.NULL, `02000000 ${SYN4}`), LINE4);
  t.is(line(LinkType.LOOP, `00000002 ${SYN4}`), LINE4);
  t.is(line(LinkType.LINUX_SLL, `0000 0001 0006 020000000001 0000 0800 ${SYN4}`), LINE4);
  t.is(line(LinkType.LINUX_SLL2, `0800 0000 00000002 0001 00 06 0200000000010000 ${SYN4}`), LINE4);
});

test('what is no IP is shown by its stations, or by the kind of its link', (t) => {
  t.is(
    line(LinkType.ETHERNET, '02000a6b0002 020000000001 88cc 0000'),
    '02:00:00:00:00:01 > 02:00:0a:6b:00:02, ethertype 0x88cc, length 16',
  );
  t.is(line(LinkType.ETHERNET, '0200'), '[|ether]');
  t.is(line(147, '0200'), 'link type 147, length 2');
  t.is(line(LinkType.RAW, ''), 'link type 101, length 0');
});

test('the time of day is that of UTC', (t) => {
  t.is(formatTimeOfDay(0), '00:00:00.000000');
  t.is(formatTimeOfDay(1_700_000_000_000_042), '22:13:20.000042');
});

/** What tcpdump writes otherwise, on purpose. */
const DIFFERENCES: readonly { readonly where: RegExp; readonly why: string }[] = [
  { where: /\[\|tcp\]/, why: 'of a cut option tcpdump shows which field of it is cut' },
  {
    where: /^\S+ IP6? (?!.*(Flags \[|ICMP|UDP, length))/,
    why: 'what UDP and other protocols carry is not decoded',
  },
];

function tcpdump(path: string): string[] {
  const output = execFileSync('tcpdump', ['-n', '-r', path], {
    encoding: 'utf8',
    env: { ...process.env, TZ: 'UTC' },
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  // what a payload says stands behind the length, and on indented lines
  return output
    .split('\n')
    .filter((text) => /^\d\d:/.test(text))
    .map((text) => text.replace(/(Flags .*?, length \d+).*/, '$1'));
}

function cannotRun(): string | null {
  try {
    execFileSync('tcpdump', ['--version'], { stdio: 'ignore' });
    return null;
  } catch {
    return 'tcpdump does not run here';
  }
}

test('lines of captures are those of tcpdump, or the difference is explained', async (t) => {
  const { paths, missing } = captures();
  for (const why of missing) t.log(`SKIPPED: ${why}`);
  const why = cannotRun();
  if (why !== null || paths.length === 0) {
    t.log(`SKIPPED: ${why ?? 'there are no captures'}`);
    t.pass();
    return;
  }
  const unexplained: string[] = [];
  let equal = 0;
  for (const path of paths.filter((name) => !name.endsWith('.gz'))) {
    const theirs = tcpdump(path);
    const conversations = new Conversations();
    let i = 0;
    for await (const packet of readCapture(path)) {
      const ours = `${formatTimeOfDay(packet.time)} ${formatPacket(packet, conversations)}`;
      const other = theirs[i++] ?? '';
      if (ours === other) equal++;
      else if (!DIFFERENCES.some(({ where }) => where.test(other))) {
        unexplained.push(`${basename(path)}: ${ours}\n  tcpdump: ${other}`);
      }
    }
    if (i !== theirs.length) unexplained.push(`${basename(path)}: ${i} lines, ${theirs.length}`);
  }
  t.log(`${equal} lines are equal`);
  t.deepEqual(unexplained, []);
  t.true(equal > 0);
});
