import test from 'ava';
import { CaptureReader } from '../../src/core/capture/captureReader.ts';
import { pcapFile, pcapngFile } from './captureFiles.ts';

/** Octets of the capture. */
const TOTAL = 2 ** 31;
const PIECE = 65_536;
/** What one packet at a time needs, with room for what the engine has not collected yet. */
const MOST_GROWTH = 2 ** 27;

for (const [format, write] of [
  ['pcap', pcapFile],
  ['pcapng', pcapngFile],
] as const) {
  test.serial(`${format}: a capture of any length is read in constant memory`, (t) => {
    const headers = write([]);
    const frames = [60, 1514, 60, 65_000].map((length) => ({
      octets: new Uint8Array(length),
      time: 1,
    }));
    const body = write(frames).subarray(headers.length);
    const reader = new CaptureReader();
    reader.push(headers);
    const before = memory();
    let most = 0;
    let packets = 0;
    let octets = 0;
    for (let at = 0; at < TOTAL; ) {
      for (let from = 0; from < body.length; from += PIECE) {
        reader.push(body.subarray(from, from + PIECE));
        for (let p = reader.next(); p !== null; p = reader.next()) {
          packets++;
          octets += p.octets.length;
        }
      }
      at += body.length;
      if (packets % 4096 === 0) most = Math.max(most, memory() - before);
    }
    reader.finish();
    const repeats = Math.ceil(TOTAL / body.length);
    t.is(reader.problem, null);
    t.is(packets, 4 * repeats);
    t.is(octets, (60 + 1514 + 60 + 65_000) * repeats);
    t.log(`${Math.round(most / 2 ** 20)} MiB at most for ${Math.round(TOTAL / 2 ** 20)} MiB`);
    t.true(most < MOST_GROWTH, `${most} octets`);
  });
}

function memory(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
