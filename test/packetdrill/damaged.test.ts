import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { uniform, Xoshiro128 } from '../../src/core/base/random.ts';
import { drill } from '../../src/core/packetdrill/run/drill.ts';

/** Whatever a script says, it ends in one of three ways, and soon: nothing throws, nothing hangs. */

const FOLDER = new URL('./', import.meta.url);
const SCRIPTS = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.pkt'))
  .sort()
  .map((name) => readFileSync(new URL(name, FOLDER), 'utf8'));
const RUNS = 400;

const WORDS = [
  ...['0', '1', '65535', '4294967295', '2147483647', '-1', '...', '.', '3', '4', '7', 'NULL'],
  ...['S.', 'F.', 'R', 'P.', '*', '+1000', '+.5', '1:1(0)', '1:60001(60000)', 'ack 9', 'win 0'],
  ...['<nop,nop,sack 1:2>', 'close', 'shutdown', 'MSG_PEEK', 'poll', '--mss=1', '--mtu=70'],
];

/** Words left out, put in, overwritten or exchanged. */
function damaged(text: string, random: Xoshiro128): string {
  const words = text.split(/(\s+)/);
  for (let n = uniform(random, 4); n >= 0; n--) {
    const at = uniform(random, words.length);
    const word = WORDS[uniform(random, WORDS.length)] ?? '';
    const other = uniform(random, words.length);
    switch (uniform(random, 4)) {
      case 0:
        words.splice(at, 1);
        break;
      case 1:
        words.splice(at, 0, ` ${word} `);
        break;
      case 2:
        words[at] = word;
        break;
      default:
        [words[at], words[other]] = [words[other] ?? '', words[at] ?? ''];
    }
  }
  return words.join('');
}

test(`${RUNS} damaged scripts end with a verdict`, async (t) => {
  for (let seed = 1; seed <= RUNS; seed++) {
    const random = new Xoshiro128(seed);
    const script = damaged(SCRIPTS[uniform(random, SCRIPTS.length)] ?? '', random);
    const options = {
      mode: 'strict',
      config: {},
      dialect: null,
      defines: {},
      overrides: [],
    } as const;
    const { verdict, reason } = await drill(script, options);
    t.false(reason.startsWith('it broke off'), `seed ${seed}: ${reason}\n${script}`);
    t.true(['pass', 'fail', 'unsupported'].includes(verdict), `seed ${seed}`);
  }
});
