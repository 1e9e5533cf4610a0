import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { readPackets } from '../../src/core/capture/captureReader.ts';
import { CaptureFile } from '../../src/node/captureFile.ts';
import { HostClock } from '../../src/node/hostClock.ts';

/** An ARP request, which all readers know: 10.107.0.1 asks for 10.107.0.2. */
const ARP = Uint8Array.from(
  Buffer.from(
    'ffffffffffff02000a6b000108060001080006040001' + '02000a6b00010a6b00010000000000000a6b0002',
    'hex',
  ),
);

function directory(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'glasstcp-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

test('what a capture file was given is in it, stamped with the time of day', (t) => {
  const clock = new HostClock();
  const path = join(directory(t), 'one.pcap');
  const before = Date.now() * 1000;
  const file = new CaptureFile(path, clock);
  file.frame(ARP, clock.now(), 'in');
  file.frame(ARP.subarray(0, 14), clock.now(), 'in');
  file.close();
  file.close();
  file.frame(ARP, clock.now(), 'in');
  const { packets, problem } = readPackets(readFileSync(path));
  t.is(problem, null);
  t.deepEqual(
    packets.map((p) => p.octets.length),
    [42, 14],
  );
  const [first, second] = packets.map((p) => p.time);
  t.true(Math.abs((first ?? 0) - before) < 1e6);
  t.true((second ?? 0) >= (first ?? 0));
});

test('many batches arrive in order, none lost, none twice', (t) => {
  const path = join(directory(t), 'many.pcap');
  const file = new CaptureFile(path, { now: () => 0 }, { snapLength: 65535 });
  const frame = new Uint8Array(1514);
  const view = new DataView(frame.buffer);
  const count = 20_000;
  const started = performance.now();
  for (let n = 0; n < count; n++) {
    view.setUint32(14, n);
    file.frame(frame, n, 'in');
  }
  file.close();
  const seconds = (performance.now() - started) / 1000;
  t.log(`${Math.round((count * 1514) / seconds / 1e6)} MB/s`);
  const { packets } = readPackets(readFileSync(path));
  t.is(packets.length, count);
  t.is(file.frames, count);
  t.true(packets.every(({ octets }, n) => octets[17] === (n & 255) && octets[16] === n >>> 8));
});

test('a frame does not wait in memory for the end', async (t) => {
  const path = join(directory(t), 'growing.pcap');
  const file = new CaptureFile(path, { now: () => 0 });
  t.teardown(() => file.close());
  file.frame(ARP, 0, 'in');
  t.is(statSync(path).size, 24);
  for (let n = 0; n < 100 && statSync(path).size === 24; n++) await sleep(50);
  t.is(statSync(path).size, 24 + 16 + 42);
});

test('a path that cannot be written is told at once and by its name', (t) => {
  t.throws(() => new CaptureFile('/no/such/place.pcap', { now: () => 0 }), {
    message: /^capture file \/no\/such\/place\.pcap cannot be written: ENOENT/,
  });
  t.throws(() => new CaptureFile('x', { now: () => 0 }, { snapLength: 0 }), {
    instanceOf: RangeError,
  });
});

test('a disk that is full from the start is told at once', (t) => {
  t.throws(() => new CaptureFile('/dev/full', { now: () => 0 }), {
    message: /^capture file \/dev\/full cannot be written: ENOSPC/,
  });
});

test('an error on the way ends the recording, not the transfer; close tells it', (t) => {
  const path = join(directory(t), 'fifo');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const file = new CaptureFile(path, { now: () => 0 });
  closeSync(reader);
  for (let n = 0; n < 10_000; n++) file.frame(ARP, n, 'in');
  t.throws(() => file.close(), { message: /fifo cannot be written: EPIPE/ });
});

for (const [reader, args] of [
  ['tcpdump', ['-n', '-t', '-r']],
  ['tshark', ['-n', '-r']],
] as const) {
  test(`${reader} reads a capture file without complaint`, (t) => {
    const path = join(directory(t), 'one.pcap');
    const file = new CaptureFile(path, new HostClock());
    file.frame(ARP, 0, 'in');
    file.frame(ARP, 10, 'in');
    file.close();
    const { error, status, stdout, stderr } = spawnSync(reader, [...args, path], {
      encoding: 'utf8',
    });
    if (error !== undefined) {
      t.log(`SKIPPED: ${reader} does not run here`);
      t.pass();
      return;
    }
    t.is(status, 0);
    t.is(stdout.trim().split('\n').length, 2);
    t.regex(stdout, /who has 10\.107\.0\.2|who-has 10\.107\.0\.2/i);
    t.notRegex(stderr, /error|truncated|corrupt|cut short/i);
  });
}
