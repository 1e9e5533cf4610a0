import test from 'ava';
import { chooseFrom } from '../../../src/cli/replayFile.ts';
import { scriptFromRecording } from '../../../src/core/packetdrill/fromPcap.ts';
import { drill } from '../../../src/core/packetdrill/run/drill.ts';

/** Recordings of a Linux kernel whose scripts this stack passes: what it does there, Linux did. */
const PASSED = [
  'close-client-first',
  'close-later',
  'close-with-text',
  'curl-http',
  'delayed-ack',
  'half-close',
  'handshake-all-options',
  'handshake-maxseg',
  'handshake-mss-only',
  'handshake-no-sack',
  'handshake-no-scaling',
  'handshake-no-timestamps',
  'keepalive-after-text',
  'keepalive-alive',
  'keepalive-dead',
  'keepalive-unreachable',
  'loss-syn',
  'nagle-delayed-ack',
  'ping-pong',
  'refused',
  'reset-after-half-close',
  'reset-linger-0',
  'reset-listener-closed',
  'shutdown-both',
  'simultaneous-open',
  'zero-window-update',
];

for (const name of PASSED) {
  test(`a recording of Linux becomes a script that this stack passes: ${name}`, async (t) => {
    const chosen = await chooseFrom(`pcaps/${name}.pcap`, {});
    const made = scriptFromRecording(chosen.recording, chosen);
    if (made.kind !== 'script') return t.fail(made.message);
    const { verdict, reason, position, expected, actual } = await drill(made.text, {
      mode: 'strict',
      config: {},
      dialect: null,
      defines: {},
      overrides: [],
    });
    t.is(verdict, 'pass', `${position?.line}: ${reason}\n${expected}\n${actual}\n${made.text}`);
  });
}
