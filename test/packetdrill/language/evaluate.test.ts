import test from 'ava';
import fc from 'fast-check';
import { Evaluator } from '../../../src/core/packetdrill/evaluate.ts';

const SNAPSHOT = new Map([
  ['tcpi_snd_cwnd', 10],
  ['tcpi_ca_state', 3],
  ['tcpi_options', 0b100111],
  ['tcpi_rtt', 50_000],
  ['tcpi_state', 1],
]);

/** `null`: passed; else `kind line:column message`. */
function run(text: string, evaluator = new Evaluator(), snapshot = SNAPSHOT): string | null {
  const failure = evaluator.run({ kind: 'code', position: { line: 7, column: 4 }, text }, snapshot);
  if (failure === null) return null;
  const { kind, position, message } = failure;
  return `${kind} ${position.line}:${position.column} ${message}`;
}

/** Each holds. */
const TRUE = [
  'tcpi_snd_cwnd == 10',
  'tcpi_snd_cwnd == 10, tcpi_snd_cwnd',
  'tcpi_snd_cwnd != 11',
  '9 <= tcpi_snd_cwnd <= 11',
  '1 < 2 < 3 < 4',
  'not 1 < 3 < 2',
  'tcpi_ca_state == TCP_CA_Recovery',
  '(tcpi_options & TCPI_OPT_SYN_DATA) != 0, tcpi_options',
  '(tcpi_options & TCPI_OPT_ECN) == 0',
  'tcpi_state == TCP_ESTABLISHED and tcpi_state == TCPI_ESTABLISHED',
  'tcpi_rtt >= 49 * 1000 and tcpi_rtt <= 51 * 1000',
  'False or not False',
  'tcpi_nothing == 1 if False else True',
  'True or tcpi_nothing',
  '2 + 3 * 4 == 14',
  '(2 + 3) * 4 == 20',
  '-2 ** 2 == -4',
  '7 // 2 == 3 and -7 // 2 == -4',
  '7 % 3 == 1 and -7 % 3 == 2',
  '7 / 2 == 3.5',
  '1 << 4 | 1 == 17',
  '0xff ^ 0x0f == 0xf0',
  '~0 == -1',
  '6 & 3 == 2',
  '0xffffffff & 0xf0000000 == 0xf0000000',
  '0x100000001 & 0x100000000 == 0x100000000',
  '1e3 == 1000 and .5 < 1. and 0o17 == 15 and 0b101 == 5',
  '(1, 2) == (1, 2) and (1,) != (2,)',
  '3 in (1, 2, 3) and 4 not in [1, 2]',
  '"b" in "abc" and "a" "b" == \'ab\'',
  'None is None and 1 is not None',
  'abs(-3) == 3 and min(1, 2) == 1 and max(1, 2) == 2 and int(2.7) == 2',
  'len("abc") == 3 and len((1, 2)) == 2',
  '"%d of %s" % (3, "x") == "3 of x"',
  '"%x %5.1f %%" % (255, 2.25) != ""',
  '(tcpi_snd_cwnd\n  == 10)',
  'tcpi_snd_cwnd \\\n == 10',
  'True # a comment',
];

for (const text of TRUE) {
  test(`code holds: assert ${JSON.stringify(text)}`, (t) => {
    t.is(run(`assert ${text}`), null);
  });
}

test('an assertion that fails is told with its values and its message', (t) => {
  t.is(
    run('assert tcpi_snd_cwnd == 12, tcpi_snd_cwnd'),
    'failed 7:4 assert tcpi_snd_cwnd == 12: tcpi_snd_cwnd is 10 (10)',
  );
  t.is(
    run('assert TCP_CA_Open <= tcpi_ca_state < TCP_CA_Loss - 1, "state %d" % tcpi_ca_state'),
    'failed 7:4 assert TCP_CA_Open <= tcpi_ca_state < TCP_CA_Loss - 1: TCP_CA_Open is 0, tcpi_ca_state is 3, TCP_CA_Loss is 4 (state 3)',
  );
  t.is(run('assert 1 == 2'), 'failed 7:4 assert 1 == 2');
  t.is(run('assert 1 == 2, 1 / 0'), 'failed 7:4 assert 1 == 2 (1 / 0: a division by zero)');
});

test('the place of a failure counts lines and columns of the script', (t) => {
  t.is(run('a = 1; assert a == 2'), 'failed 7:11 assert a == 2: a is 1');
  t.is(run('\n  assert True\n  assert False'), 'failed 9:3 assert False');
});

test('statements stand on lines or between semicolons; blocks are indented', (t) => {
  t.is(run('a = b = 3; a += 2; b -= 1\nassert a == 5\nassert b == 2'), null);
  t.is(run('pass; pass\nassert 1,\\\n  "m"'), null);
  const text = [
    'if tcpi_snd_cwnd < 10:',
    '  a = 1',
    'elif tcpi_snd_cwnd == 10:',
    '  if True: a = 2',
    '  b = 5',
    'else:',
    '  a = 3',
    'assert a == 2 and b == 5',
    'if False: assert False',
    'else: c = 1',
  ].join('\n');
  t.is(run(text), null);
});

test('what a connection was like is forgotten when it is gone', (t) => {
  const evaluator = new Evaluator();
  t.is(run('a = tcpi_snd_cwnd', evaluator), null);
  t.is(run('assert a == 10', evaluator, new Map()), null);
  t.regex(
    run('assert tcpi_snd_cwnd == 10', evaluator, new Map()) ?? '',
    /^unsupported .*tcpi_snd_cwnd/,
  );
});

test('variables live on from one snippet to the next; snapshots are taken anew', (t) => {
  const evaluator = new Evaluator();
  t.is(run('TCP_INFINITE_SSTHRESH = 0x7fffffff; before = tcpi_snd_cwnd', evaluator), null);
  const later = new Map([['tcpi_snd_cwnd', 20]]);
  t.is(run('assert tcpi_snd_cwnd == 2 * before', evaluator, later), null);
  t.is(run('assert TCP_INFINITE_SSTHRESH == 2147483647', evaluator, later), null);
});

test('print writes lines, as a function and as Python 2 had it', (t) => {
  const evaluator = new Evaluator();
  run(
    'print(tcpi_snd_cwnd)\nprint("a", 1)\nprint tcpi_state\nprint()\nprint((1, "x"), None, True)',
    evaluator,
  );
  t.deepEqual(evaluator.printed, ['10', 'a 1', '1', '', "(1, 'x') None True"]);
});

test('what text.format() would print is passed over', (t) => {
  const evaluator = new Evaluator();
  run('print "{} {}".format(tcpi_snd_cwnd, tcpi_nothing)\nprint(1)', evaluator);
  t.deepEqual(evaluator.printed, ['', '1']);
});

test('what is unknown is unsupported, what is wrong an error', (t) => {
  t.is(run('assert tcpi_nothing == 1'), 'unsupported 7:11 tcpi_nothing in code');
  t.is(run('assert nothing == 1'), 'error 7:11 the name nothing is not defined');
  t.is(run('import os'), "unsupported 7:4 Python's import");
  t.is(run('for x in y: pass'), "unsupported 7:4 Python's for");
  t.is(run('assert open("x")'), "unsupported 7:11 Python's open() with these arguments");
  t.is(run('assert a.b'), "unsupported 7:11 Python's a....");
  t.is(run('x = {}'), "unsupported 7:8 Python's dictionaries");
  t.is(run('assert 1 +'), 'error 7:14 expected a value, found the end of the line');
  t.is(run('assert (1'), "error 7:13 expected ')', found the end of the line");
  t.is(run('assert "x'), 'error 7:11 a text opens here and is not closed');
  t.is(run('assert 1 ? 2'), 'error 7:13 "?" is no Python');
  t.is(run('assert 1 2'), "error 7:13 expected ';', found '2'");
  t.is(run('if True:\npass'), 'error 7:12 an indented block is missing after the colon');
  t.is(run('assert "a" + 1'), 'error 7:11 + does not go with a and 1');
  t.is(run('assert "a" < 1'), 'error 7:11 < does not go with a and 1');
  t.is(run('assert 1 % 0'), 'error 7:11 1 % 0: a division by zero');
  t.is(run('assert "%d %d" % 1'), 'error 7:11 not enough values for the format');
});

test('nothing grows or goes deep without end', (t) => {
  const texts = [
    `assert ${'('.repeat(10_000)}`,
    `assert ${'-'.repeat(10_000)}1`,
    `assert ${'not '.repeat(10_000)}1`,
    `assert ${'2**'.repeat(10_000)}1`,
    `assert ${'1 if 1 else '.repeat(10_000)}1`,
    `a = "x"\n${'a += a\n'.repeat(1_000)}`,
    `a = 1,\n${'a = (a, a)\n'.repeat(1_000)}print(a)`,
    'a = "x" * 1e300\nassert a == 1',
    'print("x" * 9999)\n'.repeat(5_000),
    Array.from({ length: 2_000 }, (_, depth) => `${' '.repeat(depth)}if 1:`).join('\n'),
    `assert ${'1+'.repeat(20_000)}1`,
    `assert ${'1 or '.repeat(20_000)}1`,
    `assert ${'1 < '.repeat(20_000)}1`,
  ];
  for (const text of texts) {
    const evaluator = new Evaluator();
    t.notThrows(() => run(text, evaluator), text.slice(0, 20));
    t.true(evaluator.printed.join('').length < 1_000_000);
  }
});

test('any code ends, and throws nothing', (t) => {
  const words = [
    ...'assert print if elif else : pass ; , ( ) [ ] = == < <= != and or not in is + - * / // % ** & | ^ ~ << >>'.split(
      ' ',
    ),
    ...'1 0 2.5 0x1f "a" \'b\' None True tcpi_snd_cwnd a b x abs len # \\'.split(' '),
    '\n',
    '\n ',
    '\n  ',
    '"%s"',
    '"',
  ];
  const code = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 100 }),
    fc.array(fc.constantFrom(...words), { maxLength: 30 }).map((all) => all.join(' ')),
  );
  fc.assert(
    fc.property(code, (text) => {
      const outcome = run(text);
      return outcome === null || /^(failed|error|unsupported) \d+:\d+ [^\n]+$/.test(outcome);
    }),
    { numRuns: 5_000 },
  );
  t.pass();
});
