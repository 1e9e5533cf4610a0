import { fileURLToPath } from 'node:url';
import test from 'ava';
import { chooseFrom } from '../../src/cli/replayFile.ts';
import { type Replay, replay } from '../../src/core/replay/replay.ts';

async function inferred(name: string, as: string): Promise<Replay> {
  const file = fileURLToPath(new URL(`../../pcaps/${name}.pcap`, import.meta.url));
  const chosen = await chooseFrom(file, { as, sidecar: false });
  return replay(chosen.recording, chosen);
}

const SERVER = '10.107.0.2';

for (const name of ['bulk-both-ways-server', 'loss-first-server']) {
  test(`${name}: when the server read is found out by trial, from its windows alone`, async (t) => {
    const { strict, script, guess } = await inferred(name, SERVER);
    t.is(script.source, 'inferred');
    t.not(guess, null);
    t.is(strict.fidelity, 1);
  });
}

test('trials are bounded, and what they find is no worse than the first guess', async (t) => {
  const { strict, trials } = await inferred('bulk-veth-download', '10.107.0.1');
  t.true(trials < 4000, `${trials}`);
  t.true(strict.fidelity >= 0.3, `${strict.fidelity}`);
});
