import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { chooseFrom } from '../../src/cli/replayFile.ts';
import { replay } from '../../src/core/replay/replay.ts';
import { reportLines } from '../../src/core/replay/report.ts';

/**
 * Captures of other projects, of stacks that nobody here knows: all are replayed from both ends. What
 * this stack does otherwise than the recorded one, as the other end would notice it, is explained.
 */
const FOLDER = fileURLToPath(new URL('../../../shared/pcaps/', import.meta.url));

/** Why an end is not played as it was recorded, and how faithfully it is at least. */
const DIFFERENCES: Readonly<Record<string, readonly [number, string]>> = {
  'fin_retransmission client': [
    0.5,
    'its FIN leaves before the handshake is complete, without an ACK, as no connection may send it',
  ],
  'fin_retransmission server': [
    0.75,
    'the recorded end resets a connection whose FIN it never acknowledged; nobody asked ours to',
  ],
  'option-sack client': [
    0.6,
    'four unrelated SYNs with crafted options, seconds apart: ours repeats its SYN like Linux',
  ],
  'option-sack server': [0.3, 'nothing answered; ours refuses a SYN for a port without a listener'],
  'retransmit-fast009 server': [
    0.8,
    'its segments are longer than what it announced: ours are shorter, and one more is repeated',
  ],
  'rst-inject-rae client': [
    0.4,
    'an injected RST ends our connection at once; the recorded end sent more, and repeated nothing',
  ],
  'rst-inject-rae server': [
    0.4,
    'two of its RSTs are injected by somebody else: taken for its own, they end our connection',
  ],
  'syn-then-stuff-then-rst client': [0.8, 'a FIN without ACK before any handshake is crafted'],
  'syn-then-stuff-then-rst server': [
    0.25,
    'a bare ACK with number 0 answers the SYN: ours refuses it, as nobody listens',
  ],
};

const FILES = existsSync(FOLDER)
  ? readdirSync(FOLDER).filter((file) => file.endsWith('.pcap'))
  : [];

test('the captures of other projects are there', (t) => {
  if (FILES.length === 0) t.log(`skipped: there is no ${FOLDER}`);
  t.pass();
});

for (const file of FILES.sort()) {
  const name = file.slice(0, -'.pcap'.length);
  test(`${name}: both ends are replayed, and what is different is explained`, async (t) => {
    const first = await chooseFrom(`${FOLDER}${file}`, {});
    for (const [i, as] of first.recording.ends.entries()) {
      const role = `${name} ${i === 0 ? 'client' : 'server'}`;
      const replayed = replay(first.recording, { as, sidecar: null });
      const { fidelity } = replayed.semantic;
      const [floor, why] = DIFFERENCES[role] ?? [1, ''];
      if (why !== '') t.log(`${role}: ${fidelity.toFixed(2)}: ${why}`);
      if (fidelity < floor) t.log([...reportLines(replayed, 'semantic')].join('\n'));
      t.true(fidelity >= floor, `${role}: ${fidelity} is below ${floor}`);
    }
  });
}
