import test from 'ava';
import {
  areRelated,
  compareSections,
  exempted,
  type Index,
  parseReferences,
  readCode,
  readIndex,
  readReadme,
  readTitles,
  render,
  SECTION_OF_LABEL,
  unknownLabels,
  unmet,
  untested,
  withIndex,
} from '../scripts/rfcIndex.ts';

const INDEX = readIndex();

test('index: src/core/tcp/README.md is up to date', (t) => {
  const { actual, expected } = readReadme(INDEX);
  t.true(actual === expected, 'run npx tsx scripts/rfcIndex.ts');
});

test('index: every section that code of core/tcp names has a test', (t) => {
  t.deepEqual(untested(INDEX), [], 'no title of a test names these sections');
});

test('index: every label is one of RFC 9293', (t) => {
  t.deepEqual(unknownLabels(INDEX), []);
  t.is(SECTION_OF_LABEL.size, 69 + 31 + 18 + 1);
});

test('index: every requirement of RFC 9293 has a test, or a line that says why not', (t) => {
  const { missing, both } = unmet(INDEX, readReadme(INDEX).actual);
  t.deepEqual(missing, [], 'neither a title nor a line under "Requirements that do not apply"');
  t.deepEqual(both, [], 'tested, so the line is wrong');
});

// ---- the script does what it says --------------------------------------------------------------

test('rfcIndex: tags and heads of titles in all their forms', (t) => {
  const of = (text: string): string[] => {
    const { sections, labels } = parseReferences(text);
    return [...sections, ...labels];
  };
  t.deepEqual(of('9293 3.10.7.4 First, 5961 3.2'), ['9293 3.10.7.4 First', '5961 3.2']);
  t.deepEqual(of('9293 3.4, 3.10.7.4 First'), ['9293 3.4', '9293 3.10.7.4 First']);
  t.deepEqual(of('9293 3.6.1 MAY-2, 6191'), ['9293 3.6.1', '6191', 'MAY-2']);
  t.deepEqual(of('6528 3, 9293 3.4.1 MUST-8 and MUST-9, 7323 5.4'), [
    '6528 3',
    '9293 3.4.1',
    '7323 5.4',
    'MUST-8',
    'MUST-9',
  ]);
  t.deepEqual(of('7323 2.2 and 3.2'), ['7323 2.2', '7323 3.2']);
  t.deepEqual(of('6298 5.4-5.6'), ['6298 5.4', '6298 5.5', '6298 5.6']);
  t.deepEqual(of('5681 2 (what it is), 3.2 (what it means)'), ['5681 2', '5681 3.2']);
  t.deepEqual(of('9293 3.5 figures 7, 8'), ['9293 3.5']);
  t.deepEqual(of('MAY-2, RFC 6191'), ['6191', 'MAY-2']);
  t.deepEqual(of('RFC 9293 3.6 case 1'), ['9293 3.6']);
  t.deepEqual(of('RFC 7323 A'), ['7323 A']);
  t.false(parseReferences('RFC 6298 2.5 at least').whole);
  t.false(parseReferences('3.10').whole);
});

test('rfcIndex: sections are related to their parts, not to their likes', (t) => {
  t.true(areRelated('9293 3.10.7.4 First', '9293 3.10.7.4'));
  t.true(areRelated('6191', '6191 2'));
  t.false(areRelated('9293 3.1', '9293 3.10'));
  t.false(areRelated('9293 3.1', '5681 3.1'));
  t.false(areRelated('9293 3.10.7.4 First', '9293 3.10.7.4 Fifth'));
});

test('rfcIndex: sections are sorted as they stand in their RFC, RFC 9293 first', (t) => {
  const sorted = [
    '9293 3.1',
    '9293 3.4',
    '9293 3.10.7.4',
    '9293 3.10.7.4 First',
    '9293 3.10.7.4 Fifth',
    '896',
    '5681 3.1',
    '7323 5',
    '7323 A',
  ];
  t.deepEqual([...sorted].reverse().sort(compareSections), sorted);
});

test('rfcIndex: tags of a file, of what it declares, and of methods', (t) => {
  const code = readCode(
    'src/core/tcp/x.ts',
    `import './y.ts';

/** The file. @rfc 9293 3.1 */

/**
 * A function.
 * @rfc 9293 3.8.3 MUST-20: said in words
 */
export function f(): void {}

/** @rfc 5681 3.1 (equation 4) */
class C {
  /** @rfc 6298 2 */
  m(): void {}
  /** @rfc 6298 3 */
  get #g(): number {
    return 1;
  }
}
/** nothing */
const x = 1;
`,
  );
  t.deepEqual(
    code.map(({ name, references }) => [name, ...references.sections, ...references.labels]),
    [
      ['f', '9293 3.8.3', 'MUST-20'],
      ['x.ts', '9293 3.1'],
      ['C', '5681 3.1'],
      ['C.m', '6298 2'],
      ['C.#g', '6298 3'],
    ],
  );
});

test('rfcIndex: titles that name a rule, of tests that run', (t) => {
  const titles = readTitles(
    'test/x.test.ts',
    `test('MUST-1, RFC 896: a: b', () => {});
test.serial(\`RFC 5681 3.1: \${name} does\`, () => {});
check('RFC 6928: by a helper', () => {});
test('plain: no rule', () => {});
test('no colon', () => {});
test.skip('MUST-2: skipped', () => {});
test.failing('MUST-3: known to fail', () => {});
`,
  );
  t.deepEqual(
    titles.map(({ title }) => title),
    ['MUST-1, RFC 896: a: b', 'RFC 5681 3.1: … does', 'RFC 6928: by a helper'],
  );
});

const SMALL: Index = {
  code: readCode(
    'src/core/tcp/x.ts',
    '/** @rfc 9293 3.8.4, 6298 2.2, 5681 4.1, 791 3 */\nfunction f() {}',
  ),
  titles: readTitles(
    'test/x.test.ts',
    "test('MUST-29: one | two', () => {});\ntest('RFC 6298 2: it', () => {});",
  ),
};

test('rfcIndex: a section is tested by its labels, its parts, and what it is part of', (t) => {
  t.deepEqual(untested(SMALL), ['5681 4.1']);
  t.deepEqual(unknownLabels({ code: [], titles: readTitles('', "test('MUST-70: x', f)") }), [
    'MUST-70',
  ]);
});

test('rfcIndex: lines of the README exempt labels, in their section alone', (t) => {
  const readme = `- MUST-1: elsewhere
## Requirements that do not apply
- MUST-2, SHLD-3: two at once,
  MAY-4 in the text
- MAY-5:
## Next
- MAY-6: elsewhere
<!-- generated by scripts/rfcIndex.ts from here on -->
- MUST-7: generated`;
  t.deepEqual(exempted(readme), ['MUST-2', 'SHLD-3']);
  const { missing, both } = unmet(SMALL, readme.replace('SHLD-3', 'MUST-29'));
  t.false(missing.includes('MUST-2'));
  t.true(missing.includes('MUST-1'));
  t.deepEqual(both, ['MUST-29']);
});

test('rfcIndex: the tables, below what is written by hand', (t) => {
  const text = render(SMALL);
  const file = '[x](../../../test/x.test.ts)';
  t.true(text.includes(`| 3.8.4 | [\`f\`](x.ts) | MUST-29: one \\| two ${file} |`));
  t.true(text.includes(`| 2 |  | it ${file} |\n| 2.2 | [\`f\`](x.ts) | see 2 |`));
  t.true(text.includes('| 4.1 | [`f`](x.ts) | none |'));
  t.true(text.includes(`| MUST-29 | 3.8.4 | one \\| two ${file} |`));
  t.false(text.includes('RFC 791'));
  const once = withIndex('# By hand\n', SMALL);
  t.true(once.startsWith('# By hand\n\n<!--'));
  t.is(withIndex(once, SMALL), once);
});
