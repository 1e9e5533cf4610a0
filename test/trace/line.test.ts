import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { PacketBuffer } from '../../src/core/base/packetBuffer.ts';
import { readPackets } from '../../src/core/capture/captureReader.ts';
import { LinkType } from '../../src/core/capture/networkLayer.ts';
import { pcapRecords, writePcapHeader } from '../../src/core/capture/pcap.ts';
import { Conversations } from '../../src/core/trace/conversations.ts';
import { formatDatagram, formatFrame } from '../../src/core/trace/line.ts';

const CAPTURES = new URL('../../../shared/pcaps/', import.meta.url).pathname;

/** A frame from hexadecimal; spaces are for the reader. */
function frame(...hex: readonly string[]): PacketBuffer {
  const octets = Uint8Array.from(Buffer.from(hex.join('').replaceAll(' ', ''), 'hex'));
  const packet = new PacketBuffer(2048);
  packet.setFrame(octets);
  return packet;
}

const ETHERNET = '02000a6b0002 020000000001 0800';
/** An IPv4 header of 10.107.0.1 > 10.107.0.2 round a payload. */
function datagram(protocol: number, payload: string, fragment = 0): PacketBuffer {
  const length = 20 + payload.replaceAll(' ', '').length / 2;
  const word = (n: number): string => n.toString(16).padStart(4, '0');
  const kind = protocol.toString(16).padStart(2, '0');
  const header = `4500 ${word(length)} 0007 ${word(fragment)} 40${kind} 0000 0a6b0001 0a6b0002`;
  return frame(ETHERNET, header, payload);
}

/** Of port 40000 to port 80, SEG.SEQ 1000, SEG.ACK 2000, SEG.WND 512. */
function segment(flags: string, options = '', text = ''): PacketBuffer {
  const words = 5 + options.replaceAll(' ', '').length / 8;
  const header = `9c40 0050 000003e8 000007d0 ${words.toString(16)}0${flags} 0200 0000 0009`;
  return datagram(6, header + options + text);
}

function shown(t: ExecutionContext, packet: PacketBuffer, expected: string): void {
  t.is(formatFrame(packet), expected);
}

test('a SYN shows its options in their order', (t) => {
  const options = '020405b4 0402 080a00000001 00000000 01 030307';
  shown(
    t,
    segment('02', options),
    'IP 10.107.0.1.40000 > 10.107.0.2.80: Flags [S], seq 1000, win 512, ' +
      'options [mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7], length 0',
  );
});

test('flags, and which numbers are shown with them, are those of tcpdump', (t) => {
  const head = 'IP 10.107.0.1.40000 > 10.107.0.2.80: Flags ';
  shown(t, segment('00'), `${head}[none], win 512, length 0`);
  shown(t, segment('10'), `${head}[.], ack 2000, win 512, length 0`);
  shown(t, segment('18', '', 'abcd'), `${head}[P.], seq 1000:1002, ack 2000, win 512, length 2`);
  shown(t, segment('11'), `${head}[F.], seq 1000, ack 2000, win 512, length 0`);
  shown(t, segment('04'), `${head}[R], seq 1000, win 512, length 0`);
  shown(t, segment('30'), `${head}[.U], ack 2000, win 512, urg 9, length 0`);
  shown(t, segment('ff'), `${head}[FSRP.UEW], seq 1000, ack 2000, win 512, urg 9, length 0`);
});

test('options of wrong or no length, and unknown ones, do not hide the rest', (t) => {
  const options = (packet: PacketBuffer): string =>
    /options (\[.*\]), length 0/.exec(formatFrame(packet))?.[1] ?? '';
  t.is(options(segment('10', '0203ff 00')), '[unknown-2 0xff,eol]');
  t.is(options(segment('10', '5004abcd')), '[unknown-80 0xabcd]');
  t.is(options(segment('10', '01010200')), '[nop,nop,[bad opt]]');
  t.is(options(segment('10', '01010209')), '[nop,nop,[bad opt]]');
  t.is(options(segment('10', '01010102')), '[nop,nop,nop,[bad opt]]');
  t.is(options(segment('10', '0101 050a 000003e8 000003f2')), '[nop,nop,sack 1 {1000:1010}]');
  t.is(options(segment('10', '0506000003e8 0101')), '[sack invalid sack,nop,nop]');
  t.is(options(segment('10', '2206abcdef01 0101')), '[tfo  cookie abcdef01,nop,nop]');
  t.is(options(segment('10', 'fe04f989')), '[exp-tfo cookiereq]');
  t.is(options(segment('10', 'fe041234')), '[exp-1234]');
});

test('numbers are counted from the beginning of the conversation, per conversation', (t) => {
  const conversations = new Conversations();
  const line = (packet: PacketBuffer): string =>
    formatFrame(packet, conversations).replace(/.*Flags /, '');
  const turned = (packet: PacketBuffer): PacketBuffer => {
    const { view, octets, link } = packet;
    octets.copyWithin(link + 26, link + 30, link + 34);
    view.setUint32(link + 30, 0x0a6b0001);
    view.setUint32(link + 34, 0x00509c40);
    return packet;
  };
  const numbered = (packet: PacketBuffer, seq: number, ack: number): PacketBuffer => {
    packet.view.setUint32(packet.link + 38, seq);
    packet.view.setUint32(packet.link + 42, ack);
    return packet;
  };
  t.is(line(numbered(segment('02'), 0xffffffff, 0)), '[S], seq 4294967295, win 512, length 0');
  t.is(line(numbered(turned(segment('12')), 500, 0)), '[S.], seq 500, ack 0, win 512, length 0');
  t.is(line(numbered(segment('10'), 0, 501)), '[.], ack 1, win 512, length 0');
  t.is(
    line(numbered(segment('18', '', 'abcd'), 0, 501)),
    '[P.], seq 1:3, ack 1, win 512, length 2',
  );
  const sack = '0101 050a 00000000 00000002';
  t.is(
    line(numbered(turned(segment('10', sack)), 501, 0)),
    '[.], ack 1, win 512, options [nop,nop,sack 1 {1:3}], length 0',
  );
});

test('only so many conversations are remembered, and the last used stay', (t) => {
  const conversations = new Conversations(2);
  const begins = (sourcePort: number): boolean => {
    const ends = { source: '1', sourcePort, destination: '2', destinationPort: 80 };
    return conversations.basesOf(ends, 1, 1, false).begins;
  };
  t.true(begins(1));
  t.true(begins(2));
  t.false(begins(1));
  t.true(begins(3)); // 2 was used longest ago
  t.false(begins(1));
  t.true(begins(2));
});

test('RFC 826: requests and replies', (t) => {
  const arp = (operation: string, target: string): PacketBuffer =>
    frame(
      'ffffffffffff 020000000001 0806 0001 0800 0604',
      operation,
      '020000000001 0a6b0001',
      target,
      '0a6b0002',
    );
  shown(
    t,
    arp('0001', '000000000000'),
    'ARP, Request who-has 10.107.0.2 tell 10.107.0.1, length 28',
  );
  shown(
    t,
    arp('0001', '02000a6b0002'),
    'ARP, Request who-has 10.107.0.2 (02:00:0a:6b:00:02) tell 10.107.0.1, length 28',
  );
  shown(t, arp('0002', '02000a6b0002'), 'ARP, Reply 10.107.0.1 is-at 02:00:00:00:00:01, length 28');
});

test('RFC 792: echo and errors, with what the errors quote', (t) => {
  const head = 'IP 10.107.0.1 > 10.107.0.2: ICMP';
  const quote = '4500 0028 0007 0000 4006 0000 0a6b0002 0a6b0001 0050 9c40 000003e8';
  const icmp = (header: string, rest = quote): string =>
    formatFrame(datagram(1, header + rest)).slice(head.length + 1);
  t.is(icmp('0800 0000 0001 0002', '00'.repeat(56)), 'echo request, id 1, seq 2, length 64');
  t.is(icmp('0000 0000 0001 0002', ''), 'echo reply, id 1, seq 2, length 8');
  t.is(icmp('0301 0000 00000000'), 'host 10.107.0.1 unreachable, length 36');
  t.is(icmp('0302 0000 00000000'), '10.107.0.1 protocol 6 unreachable, length 36');
  t.is(icmp('0303 0000 00000000'), '10.107.0.1 tcp port 40000 unreachable, length 36');
  t.is(icmp('0304 0000 00000500'), '10.107.0.1 unreachable - need to frag (mtu 1280), length 36');
  t.is(icmp('0b00 0000 00000000'), 'time exceeded in-transit, length 36');
  t.is(icmp('0c00 0000 05000000'), 'parameter problem - octet 5, length 36');
  t.is(icmp('0501 0000 0a6b0003'), 'redirect 10.107.0.1 to host 10.107.0.3, length 36');
  t.is(formatFrame(datagram(1, '0303 0000 00000000')), 'IP 10.107.0.1 > 10.107.0.2: [|icmp]');
});

test('UDP, other protocols, fragments, and what is no IPv4', (t) => {
  const head = 'IP 10.107.0.1';
  shown(
    t,
    datagram(17, '1388 1389 000b 0000 010203'),
    `${head}.5000 > 10.107.0.2.5001: UDP, length 3`,
  );
  shown(t, datagram(99, '00'.repeat(20)), `${head} > 10.107.0.2: ip-proto-99 20`);
  shown(t, datagram(6, '00'.repeat(20), 0x2001), `${head} > 10.107.0.2: ip-proto-6`);
  shown(
    t,
    frame('02000a6b0002 020000000001 88b5 00'),
    '02:00:00:00:00:01 > 02:00:0a:6b:00:02, ethertype 0x88b5, length 15',
  );
  shown(t, frame('0200'), '[|ether]');
});

test('a datagram that has no link header yet', (t) => {
  const packet = segment('04');
  packet.network = packet.link + 14;
  packet.link = packet.network;
  t.is(
    formatDatagram(packet),
    'IP 10.107.0.1.40000 > 10.107.0.2.80: Flags [R], seq 1000, win 512, length 0',
  );
});

test('a capture that kept only the beginning is not taken for a frame that was cut', (t) => {
  const packet = segment('18', '', 'ab'.repeat(100));
  const length = packet.end - packet.link;
  const whole = formatFrame(packet);
  packet.end = packet.link + 60;
  t.is(formatFrame(packet, null, length), whole);
  t.regex(formatFrame(packet), /^IP truncated-ip - 94 bytes missing! 10\.107\.0\.1\.40000 > /);
});

test('no octets make it throw, whole or cut, nor do headers with random octets behind', (t) => {
  const packet = new PacketBuffer(256);
  const conversations = new Conversations(16);
  const starts = ['', '0806', '0800', '08004500', '080045000028', '08004f00ffff'];
  const tails = ['', '0000000000000006', '0000000000000001', '0000000000000011'];
  fc.assert(
    fc.property(
      fc.constantFrom(...starts),
      fc.constantFrom(...tails),
      fc.uint8Array({ maxLength: 120 }),
      fc.nat(160),
      (start, tail, random, cut) => {
        const head = Buffer.from(start === '' ? '' : '00'.repeat(12) + start + tail, 'hex');
        const octets = new Uint8Array([...head, ...random]);
        packet.setFrame(octets.subarray(0, cut));
        const line = formatFrame(packet, conversations);
        packet.network = packet.link;
        return !/\n/.test(line) && formatDatagram(packet).length > 0;
      },
    ),
    { numRuns: 20_000 },
  );
  t.pass();
});

/** Both lists of lines, ours with tcpdump's additions behind the length cut off from its. */
function compare(t: ExecutionContext, path: string): number {
  const conversations = new Conversations();
  const packet = new PacketBuffer(70_000);
  const ours = readPackets(readFileSync(path)).packets.map((captured) => {
    packet.setFrame(captured.octets);
    return formatFrame(packet, conversations, captured.originalLength);
  });
  const output = execFileSync('tcpdump', ['-n', '-t', '-r', path], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  // hexadecimal and the rest of a decoded payload stand on lines of their own, indented
  const theirs = output.split('\n').filter((line) => line !== '' && !/^\s/.test(line));
  t.is(ours.length, theirs.length);
  let compared = 0;
  for (const [n, line] of ours.entries()) {
    const other = (theirs[n] ?? '').replace(/(Flags .*?, length \d+).*/, '$1');
    if (isNotComparable(other)) continue;
    t.is(line, other, `${path}: frame ${n + 1}`);
    compared++;
  }
  return compared;
}

/** tcpdump decodes what UDP carries, and says of a cut option which part of it is there. */
function isNotComparable(line: string): boolean {
  if (line.includes('[|tcp]')) return true;
  return / > .*: /.test(line) && !/Flags \[|ICMP|UDP, length/.test(line);
}

function cannotCompare(): string | null {
  try {
    execFileSync('tcpdump', ['--version'], { stdio: 'ignore' });
    return null;
  } catch {
    return 'tcpdump does not run here';
  }
}

test('lines are equal to those of tcpdump for conversations of other stacks', (t) => {
  const why = existsSync(CAPTURES) ? cannotCompare() : `there is no ${CAPTURES}`;
  if (why !== null) {
    t.log(`SKIPPED: ${why}`);
    t.pass();
    return;
  }
  let compared = 0;
  for (const name of readdirSync(CAPTURES)) {
    if (name.endsWith('.pcap')) compared += compare(t, join(CAPTURES, name));
  }
  t.log(`${compared} lines`);
  t.true(compared > 0);
});

test('lines are equal to those of tcpdump for all flags, ICMP codes and a lost beginning', (t) => {
  const why = cannotCompare();
  if (why !== null) {
    t.log(`SKIPPED: ${why}`);
    t.pass();
    return;
  }
  const directory = mkdtempSync(join(tmpdir(), 'glasstcp-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'odd.pcap');
  const records = pcapRecords(1 << 20, 1000);
  const byte = (n: number): string => n.toString(16).padStart(2, '0');
  for (let flags = 0; flags < 256; flags++) {
    records.append({ octets: segment(byte(flags), '01010402', 'abab').frame(), time: 0 });
  }
  const quote = '4500 0028 0007 0000 4006 0000 0a6b0002 0a6b0001 0050 9c40 000003e8';
  for (let code = 0; code < 18; code++) {
    for (const type of ['03', '05', '0b', '0c']) {
      const header = `${type}${byte(code)} 0000 00000500`;
      records.append({ octets: datagram(1, header + quote).frame(), time: 0 });
    }
  }
  for (const missing of [1, 20]) {
    const { view, link } = segment('10');
    view.setUint16(link + 16, 40 + missing);
    records.append({ octets: new Uint8Array(view.buffer, link, 54), time: 0 });
  }
  writeFileSync(path, writePcapHeader(LinkType.ETHERNET, 1000));
  writeFileSync(path, records.octets(), { flag: 'a' });
  t.is(compare(t, path), 256 + 18 * 4 + 2);
});
