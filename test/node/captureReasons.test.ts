import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { CapturedPacket } from '../../src/core/capture/capturedPacket.ts';
import { readPackets } from '../../src/core/capture/captureReader.ts';
import { parseSegment } from '../../src/core/capture/parseSegment.ts';
import { Flag } from '../../src/core/wire/tcp.ts';
import { CaptureFile } from '../../src/node/captureFile.ts';
import { connected, pair } from './net/link.ts';

function capturePath(t: ExecutionContext, name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'glasstcp-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return join(folder, name);
}

/** A connection that is opened and ended, as its client recorded it. */
async function record(t: ExecutionContext, path: string): Promise<readonly CapturedPacket[]> {
  const stacks = pair(t, { capture: path });
  const { client, accepted } = await connected(stacks);
  accepted.resume();
  client.end('hello');
  await new Promise((resolve) => accepted.on('end', resolve));
  accepted.end();
  await new Promise((resolve) => client.on('close', resolve));
  await stacks.client.close();
  const { packets, problem } = readPackets(readFileSync(path));
  t.is(problem, null);
  return packets;
}

test('a .pcapng has the reason of the stack with each packet, in the order of the wire', async (t) => {
  const path = capturePath(t, 'one.pcapng');
  const packets = await record(t, path);
  t.true(packets.length >= 8);
  for (const { comments } of packets) {
    t.is(comments.length, 1);
    t.regex(comments[0] ?? '', /^accepted$|^dropped: |^sent: [a-z-]+ \((RFC [\d. ]+)\): .+$/);
  }
  const times = packets.map((p) => p.time);
  t.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
  t.true(Math.abs((times[0] ?? 0) / 1000 - Date.now()) < 60_000);
  const segments = packets.map((p) => ({ ...parseSegment(p), comment: p.comments[0] }));
  const [syn, synAck, ack] = segments.filter((s) => s.flags !== undefined);
  t.is(syn?.comment, 'sent: handshake (RFC 9293 3.5): synchronize sequence numbers');
  t.is(syn?.flags, Flag.SYN);
  t.is(synAck?.flags, Flag.SYN | Flag.ACK);
  t.is(synAck?.comment, 'accepted');
  t.is(ack?.flags, Flag.ACK);
  t.regex(ack?.comment ?? '', /^sent: handshake-ack /);
  const arp = packets.filter((p) => parseSegment(p) === null).map((p) => p.comments[0]);
  t.true(arp.length > 0);
});

test('a .pcap has none', async (t) => {
  const packets = await record(t, capturePath(t, 'one.pcap'));
  t.true(packets.length >= 8);
  t.true(packets.every((p) => p.comments.length === 0));
});

test('tshark sees the reasons, tcpdump reads the file without complaint', async (t) => {
  const path = capturePath(t, 'one.pcapng');
  const packets = await record(t, path);
  const fields = ['-T', 'fields', '-e', 'frame.comment', '-e', 'frame.packet_flags_direction'];
  for (const [tool, args] of [
    ['tshark', ['-r', path, ...fields]],
    ['tcpdump', ['-n', '-r', path]],
  ] as const) {
    const { error, status, stdout, stderr } = spawnSync(tool, args, { encoding: 'utf8' });
    if (error !== undefined) {
      t.log(`SKIPPED: ${tool} does not run here`);
      continue;
    }
    t.is(status, 0);
    t.notRegex(stderr, /error|truncated|corrupt|cut short|damaged/i);
    const lines = stdout.trimEnd().split('\n');
    t.is(lines.length, packets.length);
    if (tool === 'tcpdump') continue;
    const expected = packets.map(({ comments: [comment = ''] }) => {
      return `${comment}\t0x0000000${comment.startsWith('sent') ? 2 : 1}`;
    });
    t.deepEqual(lines, expected);
  }
  t.pass();
});

test('a .pcapng that no stack speaks to has its frames all the same', (t) => {
  const path = capturePath(t, 'one.pcapng');
  const file = new CaptureFile(path, { now: () => 0 }, { snapLength: 4 });
  file.frame(new Uint8Array(60), 1, 'in');
  file.frame(new Uint8Array(70), 2, 'out');
  file.close();
  const { packets, problem } = readPackets(readFileSync(path));
  t.is(problem, null);
  t.deepEqual(
    packets.map((p) => [p.octets.length, p.originalLength, p.comments.length]),
    [
      [4, 60, 0],
      [4, 70, 0],
    ],
  );
});
