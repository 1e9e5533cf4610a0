import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { failureLines, resultLine } from '../../src/cli/packetdrill/report.ts';
import { drill } from '../../src/core/packetdrill/run/drill.ts';
import { PROFILES } from '../../src/core/tcp/profiles.ts';

/**
 * The scripts of this folder, one behaviour each. Every one says in its first line what it shows, and
 * says what Linux does: the kernel passes them too (`glasstcp packetdrill --against kernel`), but for
 * rfc6298/route-rto-min.pkt and pacing/fq.pkt, which are unsupported there: their lines for the shell
 * are not given to one; but for rfc8511/, since Linux has no ABE; and but for rfc3168/syn-ack-reflected.pkt
 * and syn-ack-cwr.pkt, whose SYN-ACKs Linux 6.18 takes for accurate ECN, which nobody has asked for.
 * Those in freebsd/ say what FreeBSD does (`--profile freebsd`).
 */
const FOLDER = new URL('./', import.meta.url);

const scripts = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.pkt'))
  .sort();

function isFreebsd(name: string): boolean {
  return name.startsWith('freebsd/');
}

/** What the leading comment says. */
function ruleOf(text: string): string {
  return /^\/\/ (.*)$/m.exec(text)?.[1] ?? '';
}

for (const name of scripts) {
  const text = readFileSync(new URL(name, FOLDER), 'utf8');
  test(`${name}: ${ruleOf(text)}`, async (t) => {
    const result = await drill(text, {
      mode: 'strict',
      config: isFreebsd(name) ? PROFILES.freebsd : PROFILES.linux,
      system: isFreebsd(name) ? 'FreeBSD' : 'Linux',
      dialect: isFreebsd(name) ? 'nplab' : null,
      defines: {},
      overrides: [],
    });
    if (result.verdict === 'pass') t.pass();
    else t.fail([resultLine(name, result), ...failureLines(result)].join('\n'));
  });
}

test('each script of our own says in its first line what it shows, and no two the same', (t) => {
  const rules = scripts.map((name) => ruleOf(readFileSync(new URL(name, FOLDER), 'utf8')));
  t.deepEqual(
    scripts.filter((_, i) => rules[i] === ''),
    [],
  );
  t.is(new Set(rules).size, rules.length);
  t.true(scripts.length >= 120);
});
