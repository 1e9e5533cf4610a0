import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import type { CapturedPacket } from '../../src/core/capture/capturedPacket.ts';
import { readPackets } from '../../src/core/capture/captureReader.ts';
import { type CaptureInput, CaptureInputError, readCapture } from '../../src/node/captureInput.ts';
import { pcapFile, pcapngFile } from '../capture/captureFiles.ts';

/** Of octets that do not pack well. */
const PACKETS = Array.from({ length: 400 }, (_, n) => ({
  octets: Uint8Array.from({ length: 1000 }, (_, at) => (at * at * (n + 1)) >>> 5),
  time: n,
}));

function directory(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'glasstcp-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

async function all(input: CaptureInput): Promise<CapturedPacket[]> {
  const packets: CapturedPacket[] = [];
  for await (const packet of input) packets.push(packet);
  return packets;
}

/** What a process of its own prints that has `readCapture`. */
async function run(script: string, input: Uint8Array = new Uint8Array()): Promise<string> {
  const module = JSON.stringify(new URL('../../src/node/captureInput.ts', import.meta.url).href);
  const whole = `import { readCapture } from ${module};\n${script}`;
  const args = ['--import=tsx', '--input-type=module', '-e', whole];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (text) => {
    output += text;
  });
  child.stdin.end(input);
  await new Promise((resolve) => child.on('close', resolve));
  return output;
}

/** A file of these octets, read. */
async function read(
  t: ExecutionContext,
  octets: Uint8Array,
): Promise<{ packets: CapturedPacket[]; input: CaptureInput }> {
  const path = join(directory(t), 'capture');
  writeFileSync(path, octets);
  const input = readCapture(path);
  const packets = await all(input);
  return { packets, input };
}

for (const [format, write] of [
  ['pcap', pcapFile],
  ['pcapng', pcapngFile],
] as const) {
  test(`a file of ${format} is read, packed or not`, async (t) => {
    const octets = write(PACKETS);
    for (const file of [octets, gzipSync(octets)]) {
      const { packets, input } = await read(t, file);
      t.deepEqual(packets, readPackets(octets).packets);
      t.is(input.problem, null);
      t.is(input.format, format);
      t.deepEqual(input.linkTypes, [1]);
    }
  });
}

test('a file that was cut off gives its whole packets and a line that names it', async (t) => {
  const octets = pcapFile(PACKETS);
  const { packets, input } = await read(t, octets.subarray(0, 24 + 2 * 1016 + 1000));
  t.is(packets.length, 2);
  t.is(input.problem, `${input.name}: cut off within what begins at octet 2056, after packet 2`);
});

test('a damaged file is not read to its end', async (t) => {
  const octets = pcapFile(PACKETS);
  octets.fill(0xff, 24 + 1016, 24 + 1016 + 16);
  const { packets, input } = await read(t, octets);
  t.is(packets.length, 1);
  t.regex(input.problem ?? '', /: damaged at octet 1040, after packet 1: a packet that claims/);
});

test('a packed file that was cut off or damaged gives what can be unpacked', async (t) => {
  const whole = readPackets(pcapFile(PACKETS)).packets;
  const packed = gzipSync(pcapFile(PACKETS));
  for (const [what, octets] of [
    ['cut', packed.subarray(0, packed.length - 1)],
    ['cut', packed.subarray(0, packed.length >>> 1)],
    ['changed', packed.map((octet, n) => (n === packed.length - 6 ? octet ^ 1 : octet))],
    ['overwritten', Uint8Array.from(packed).fill(0xff, packed.length >>> 1)],
  ] as const) {
    const { packets, input } = await read(t, octets);
    const isHalf = octets.length < packed.length - 1 || what === 'overwritten';
    const least = isHalf ? 50 : PACKETS.length - 5;
    t.true(packets.length >= least, `${what}: ${packets.length}`);
    if (what !== 'overwritten') t.deepEqual(packets, whole.slice(0, packets.length));
    // what is unpacked of other octets may look well, but is no capture any more
    const damage = what === 'overwritten' ? /: damaged at / : /: the gzip packing is damaged \(/;
    t.regex(input.problem ?? '', damage);
    t.notRegex(input.problem ?? '', /\n/);
  }
});

test('of a damaged packing nothing is lost that was packed in front of the damage', async (t) => {
  const whole = pcapFile(PACKETS);
  // stored as it is: octets of the capture are those of the packing, behind header and length
  const packed = Uint8Array.from(gzipSync(whole, { level: 0 }));
  const first = packed.indexOf(whole[0] ?? 0, 10);
  t.is(first, 15);
  // the next block is of a kind that does not exist
  const end = first + Math.min(whole.length, (packed[11] ?? 0) + (packed[12] ?? 0) * 256);
  const cut = Uint8Array.from([...packed.subarray(0, end), 0x07, 0xff, 0xff, 0xff]);
  cut[10] = 0;
  const { packets } = await read(t, cut);
  const complete = readPackets(whole.subarray(0, end - first)).packets;
  t.true(complete.length > 0);
  t.is(packets.length, complete.length);
});

test('what is no capture, or no file, is one line', async (t) => {
  const folder = directory(t);
  const file = (name: string, octets: Uint8Array): string => {
    writeFileSync(join(folder, name), octets);
    return join(folder, name);
  };
  mkdirSync(join(folder, 'sub'));
  for (const [path, message] of [
    [file('text', Buffer.from('# heading')), /text: no capture: it begins with 0x23206865$/],
    [file('empty', new Uint8Array()), /empty: no capture: it is empty$/],
    [file('one', Buffer.from('1')), /one: no capture: it has 1 octets$/],
    [file('packed', gzipSync('# heading')), /packed: no capture: it begins with 0x23206865$/],
    [file('nothing', gzipSync('')), /nothing: no capture: it is empty$/],
    [file('magic', Uint8Array.of(0x1f, 0x8b)), /magic: the gzip packing is damaged .* empty$/],
    [
      file('wrong', Uint8Array.of(0x1f, 0x8b, 9, 9, 9, 9, 9, 9, 9, 9, 9)),
      /gzip .* damaged .*empty$/,
    ],
    [join(folder, 'sub'), /sub cannot be read: it is a directory$/],
    [join(folder, 'none'), /none cannot be read: no such file or directory$/],
    ['no\0file', /cannot be read: [^\n]+$/],
  ] as const) {
    const error = await t.throwsAsync(all(readCapture(path)), { instanceOf: CaptureInputError });
    t.regex(error?.message ?? '', message);
    t.notRegex(error?.message ?? '', /\n/);
  }
});

test('who leaves off reading leaves nothing open', async (t) => {
  const path = join(directory(t), 'capture.gz');
  writeFileSync(path, gzipSync(pcapFile(PACKETS)));
  // it ends by itself, and only when nothing is under way any more
  const output = await run(`import { readdirSync, readlinkSync } from 'node:fs';
    for (let n = 0; n < 3; n++) for await (const packet of readCapture(${JSON.stringify(path)})) break;
    const target = (fd) => { try { return readlinkSync('/proc/self/fd/' + fd); } catch { return ''; } };
    process.on('exit', () => {
      const open = readdirSync('/proc/self/fd').map(target);
      console.log(open.filter((file) => file === ${JSON.stringify(path)}).length);
    });`);
  t.is(output, '0\n');
});

test('"-" is standard input, packed or not', async (t) => {
  const script = `const input = readCapture('-');
    let count = 0;
    for await (const packet of input) count++;
    console.log(count, input.problem);`;
  for (const [octets, expected] of [
    [pcapFile(PACKETS), '400 null\n'],
    [gzipSync(pcapFile(PACKETS)), '400 null\n'],
    [
      pcapFile(PACKETS).subarray(0, 30),
      '0 standard input: cut off within what begins at octet 24, before the first packet\n',
    ],
  ] as const) {
    const output = await run(script, octets);
    t.is(output, expected);
  }
});

test('the octets of a packet belong to whoever got it', async (t) => {
  const path = join(directory(t), 'capture');
  writeFileSync(path, pcapFile(PACKETS));
  for await (const packet of readCapture(path)) packet.octets.fill(0);
  t.deepEqual(readPackets(readFileSync(path)).packets.length, PACKETS.length);
});
