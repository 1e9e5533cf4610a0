import test from 'ava';
import { runCommandLine } from '../../src/cli/commandLine.ts';
import { runGlasstcp } from './processes.ts';

const TARGET = /as in 10\.107\.0\.1:80: see/;
const GOOD = 'proxy --listen 8080 --to 10.107.0.1:80';

/** Command lines, and what is said of them after `glasstcp: `. */
const MISUSES: [string, RegExp][] = [
  ['proxy', /^required option '--listen <port>' not specified: see/],
  ['proxy --listen 80', /^required option '--to <host:port>' not specified: see/],
  ['proxy --listen 0 --to 10.107.0.1:80', /'0' is invalid. A port is a number from 1 to 65535/],
  ['proxy --listen 80 --to 10.107.0.1', TARGET],
  ['proxy --listen 80 --to :80', TARGET],
  ['proxy --listen 80 --to 10.107.0.1:', TARGET],
  ['proxy --listen 80 --to 10.107.0.1:http', TARGET],
  ['proxy --listen 80 --to 10.107.0.256:80', TARGET],
  ['proxy --listen 80 --to 10.107.0:80', TARGET],
  ['proxy --listen 80 --to fe80::1:80', TARGET],
  ['proxy --listen 80 --to [fe80::1]:80', TARGET],
  ['proxy --listen 80 --to http://10.107.0.1:80', TARGET],
  ['proxy --listen 80 --to 10.107.0.1:0', /A port is a number from 1 to 65535/],
  ['proxy --listen 80 --to 10.107.0.1:65536', /A port is a number from 1 to 65535/],
  [`${GOOD} --idle-timeout -1`, /from 0 to 2147483: see/],
  [`${GOOD} --idle-timeout soon`, /from 0 to 2147483: see/],
  [`${GOOD} --idle-timeout 2147484`, /from 0 to 2147483: see/],
  [`${GOOD} --max-connections 0`, /a number from 1 on: see/],
  [`${GOOD} --max-connections many`, /a number from 1 on: see/],
  [`${GOOD} more`, /^too many arguments/],
  [`${GOOD} --address 10.107.0.1/24`, /--address and --peer are both 10.107.0.1/],
];

for (const [line, expected] of MISUSES) {
  test(`"glasstcp ${line}" is called wrongly: exit code 2 and one line`, async (t) => {
    const said: string[] = [];
    const code = await runCommandLine(line.split(' '), (complaint) => said.push(complaint));
    t.is(code, 2);
    t.is(said.length, 1);
    t.regex(said[0] ?? '', /^glasstcp: [^\n]+$/);
    t.regex((said[0] ?? '').slice('glasstcp: '.length), expected);
  });
}

test('--help of proxy shows its options and those of every link', async (t) => {
  const { code, stdout } = await runGlasstcp(t, 'proxy', '--help');
  t.is(code, 0);
  for (const option of ['listen', 'to', 'idle-timeout', 'max-connections', 'tap', 'pcap', 'json']) {
    t.true(stdout.includes(`--${option}`), option);
  }
});
