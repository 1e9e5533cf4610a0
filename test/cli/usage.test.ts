import test from 'ava';
import { runCommandLine } from '../../src/cli/commandLine.ts';
import { resultOf, runGlasstcp } from './processes.ts';

/** Command lines, and what is said of them after `glasstcp: `. */
const MISUSES: [string, RegExp][] = [
  ['', /^which command\? See glasstcp --help$/],
  ['fly', /^unknown command 'fly': see/],
  ['serv', /^unknown command 'serv' \(Did you mean serve\?\): see/],
  ['serve', /^missing required argument 'service'/],
  ['serve gopher', /'gopher' .*Allowed choices are echo, discard, chargen, http: see/],
  ['serve echo echo', /^too many arguments/],
  ['serve echo --port', /^option '--port <number>' argument missing/],
  ['serve echo --port 0', /'0' is invalid. A port is a number from 1 to 65535: see/],
  ['serve echo --port 65536', /from 1 to 65535/],
  ['serve echo --port http', /from 1 to 65535/],
  ['serve echo --port 1e3', /from 1 to 65535/],
  ['serve echo --port -1', /from 1 to 65535/],
  ['serve echo --loud', /^unknown option '--loud'/],
  ['serve echo --address 10.107.0.2', /'10.107.0.2' is invalid.*as in 10.107.0.2\/24/],
  ['serve echo --address 10.107.0.256/24', /as in 10.107.0.2\/24/],
  ['serve echo --address 10.107.0.2/33', /as in 10.107.0.2\/24/],
  ['serve echo --peer fe80::1/64', /as in 10.107.0.2\/24/],
  ['serve echo --address 10.107.0.1/24', /--address and --peer are both 10.107.0.1/],
  [
    'serve echo --address 10.108.0.2/24',
    /10.108.0.2\/24.*10.107.0.1\/24 are in different networks/,
  ],
  ['serve echo --address 10.107.0.2/16', /are in different networks/],
  ['serve echo --address 10.107.0.2/32 --peer 10.107.0.1/32', /must be \/1 to \/31/],
  ['serve echo --address 10.107.0.0/24', /is the network itself/],
  ['serve echo --peer 10.107.0.255/24', /--peer 10.107.0.255\/24 is the broadcast address/],
  ['serve echo --address 127.0.0.2/8', /is no address of a host/],
  ['serve echo --address 224.0.0.2/24', /is no address of a host/],
  [
    'serve echo --tap sixteen-letters-',
    /longer than 15 characters, the most that Linux takes: see/,
  ],
  ['serve echo --tap a/b', /'a\/b' is invalid/],
  ['connect', /^missing required argument 'host'/],
  ['connect 10.107.0.1', /^missing required argument 'port'/],
  ['connect 10.107.0.1 70000', /'70000' is invalid.*from 1 to 65535/],
  ['demo --mebibytes 0', /from 1 to 9999/],
];

for (const [line, expected] of MISUSES) {
  test(`"glasstcp ${line}" is called wrongly: exit code 2 and one line`, async (t) => {
    const said: string[] = [];
    const args = line === '' ? [] : line.split(' ');
    const code = await runCommandLine(args, (complaint) => said.push(complaint));
    t.is(code, 2);
    t.is(said.length, 1);
    t.regex(said[0] ?? '', /^glasstcp: [^\n]+$/);
    t.regex((said[0] ?? '').slice('glasstcp: '.length), expected);
  });
}

test('what is wrong goes to standard error, and the process ends with that code', async (t) => {
  const { code, stdout, stderr } = await runGlasstcp(t, 'serve', 'echo', '--port', 'http');
  t.is(code, 2);
  t.is(stdout.toString(), '');
  t.regex(stderr, /^glasstcp: option '--port <number>' argument 'http' is invalid[^\n]*\n$/);
});

test('--help shows the commands, and that of a command its options, on standard output', async (t) => {
  const all = await runGlasstcp(t, '--help');
  t.is(all.code, 0);
  for (const name of ['serve', 'connect', 'demo']) t.true(all.stdout.includes(`  ${name} `));
  const { code, stdout, stderr } = await runGlasstcp(t, 'serve', '--help');
  t.is(code, 0);
  t.is(stderr, '');
  for (const option of ['tap', 'address', 'peer', 'netns', 'pcap', 'trace', 'json', 'port']) {
    t.true(stdout.includes(`--${option}`));
  }
  t.regex(stdout.toString(), /10\.107\.0\.2\/24/);
});

test('a name that nobody knows is an unknown host: exit code 1, one line, and the result', async (t) => {
  const ended = await runGlasstcp(t, 'connect', 'nobody.invalid', '80', '--json');
  t.is(ended.code, 1);
  const error = 'host "nobody.invalid" is unknown: it is no IPv4 address, and no name leads to one';
  t.is(ended.stderr, `glasstcp: ${error}\n`);
  t.deepEqual(resultOf(ended), { command: 'connect', ok: false, error });
});
