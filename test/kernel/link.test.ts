import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { GLASSTCP, glasstcp, Running, resultOf, runWithin, within } from '../cli/processes.ts';
import { canUseTap, countersOf, run, skip, withNamespace } from '../harness/netns.ts';

const STACK = '10.107.0.2';

/** Starts `glasstcp serve` with its TAP in the namespace, and waits until it listens. */
async function serve(
  t: ExecutionContext,
  ns: string,
  ...args: readonly string[]
): Promise<Running> {
  const serving = glasstcp(t, 'serve', ...args, '--netns', ns);
  await serving.says(/^listening 10\.107\.0\.2:\d+$/m);
  return serving;
}

/** A file in a folder that is removed after the test. */
function temporaryFile(t: ExecutionContext, name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'glass-test-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return join(folder, name);
}

test.serial('ping is answered, whatever its size, also in fragments', async (t) => {
  await withNamespace(t, async (ns) => {
    await serve(t, ns, 'echo');
    for (const size of ['0', '56', '1472', '1473', '8000']) {
      // with -w a reply may take its time; without, ping waits for two round trips
      const said = await runWithin(t, ns, 'ping', '-c3', '-i0.01', '-w10', '-s', size, STACK);
      t.regex(said, / [3-9] received/, `${size} octets`);
    }
    const counters = countersOf(ns);
    t.is(counters.get('IpReasmFails'), 0);
    t.is(counters.get('IcmpInErrors'), 0);
  });
});

test.serial('a port where nobody listens refuses the kernel at once', async (t) => {
  await withNamespace(t, async (ns) => {
    await serve(t, ns, 'echo');
    const { code, stderr } = await within(t, ns, 'nc', '-n', '-v', STACK, '9').input('').ended;
    t.is(code, 1);
    t.regex(stderr, /Connection refused/);
    const counters = countersOf(ns);
    t.is(counters.get('TcpRetransSegs'), 0);
    t.is(counters.get('TcpAttemptFails'), 1);
  });
});

test.serial('echo, discard and chargen serve the kernel at the port that is told', async (t) => {
  await withNamespace(t, async (ns) => {
    const text = 'to be or not to be\n'.repeat(10_000);
    const nc = (port: string): string[] => ['nc', '-n', '-N', STACK, port];
    const echo = await serve(t, ns, 'echo', '--port', '7001', '--json');
    t.is((await within(t, ns, ...nc('7001')).input(text).ended).stdout.toString(), text);
    echo.kill('SIGINT');
    const { service, port, octetsReceived, octetsSent } = resultOf(await echo.ended);
    t.deepEqual([service, port, octetsReceived, octetsSent], ['echo', 7001, 190_000, 190_000]);

    const discard = await serve(t, ns, 'discard');
    t.is((await within(t, ns, ...nc('9')).input(text).ended).stdout.length, 0);
    discard.kill('SIGINT');
    await discard.ended;

    await serve(t, ns, 'chargen');
    const lines = await runWithin(t, ns, 'sh', '-c', `nc -n ${STACK} 19 | head -n 1000`);
    t.is(lines.split('\r\n')[999]?.length, 72);
  });
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test.serial(`${signal} ends serve with exit code 0, and the interface is gone`, async (t) => {
    await withNamespace(t, async (ns) => {
      const serving = await serve(t, ns, 'echo', '--tap', 'glass7');
      t.regex(run('ip', '-n', ns, '-o', 'link'), /glass7/);
      const open = within(t, ns, 'nc', '-n', STACK, '7');
      open.child.stdin?.write('hello');
      await open.received(5);
      t.is(countersOf(ns).get('TcpCurrEstab'), 1);
      serving.kill(signal);
      const { code, stderr } = await serving.ended;
      t.is(code, 0);
      t.is(stderr, '');
      t.notRegex(run('ip', '-n', ns, '-o', 'link'), /glass7/);
      t.is((await open.ended).stdout.toString(), 'hello');
    });
  });

  test.serial(`${signal} ends connect with exit code 0`, async (t) => {
    await withNamespace(t, async (ns) => {
      run('ip', '-n', ns, 'address', 'add', '10.107.0.1/32', 'dev', 'lo');
      const nc = within(t, ns, 'nc', '-n', '-v', '-l', '10.107.0.1', '5000');
      await nc.says(/Listening/);
      nc.child.stdin?.write('welcome');
      const connecting = glasstcp(t, 'connect', '10.107.0.1', '5000', '--netns', ns, '--json');
      await connecting.received('welcome'.length);
      connecting.kill(signal);
      const ended = await connecting.ended;
      t.is(ended.code, 0);
      t.is(ended.stderr, '');
      t.is(resultOf(ended)['octetsReceived'], 7);
      t.notRegex(run('ip', '-n', ns, '-o', 'link'), /glass0/);
    });
  });
}

test.serial('--pcap records what tcpdump reads and tshark finds no fault in', async (t) => {
  await withNamespace(t, async (ns) => {
    const file = temporaryFile(t, 'serve.pcap');
    const serving = await serve(t, ns, 'http', '--pcap', file);
    await runWithin(t, ns, 'ping', '-c1', '-W5', '-s2000', STACK);
    await runWithin(t, ns, 'curl', '-sS', '-o', '/dev/null', `http://${STACK}/octets/300000`);
    serving.kill('SIGTERM');
    t.is((await serving.ended).code, 0);

    const dump = await new Running(t, ['tcpdump', '-n', '-r', file]).input('').ended;
    t.is(dump.code, 0);
    t.regex(dump.stderr, /^reading from file \S+, link-type EN10MB[^\n]*\n$/);
    t.regex(dump.stdout.toString(), /Flags \[S\]/);
    t.regex(dump.stdout.toString(), /10\.107\.0\.2\.80 > 10\.107\.0\.1\.\d+: Flags \[F?P?\.\]/);

    const faults = [
      // the kernel writes a sum of 0 as 0xffff (CSUM_MANGLED_0), and tshark minds
      '(tcp.checksum.status == "Bad" && !(ip.src == 10.107.0.1 && tcp.checksum == 0xffff))',
      'ip.checksum.status == "Bad"',
      'icmp.checksum.status == "Bad"',
      'tcp.analysis.retransmission',
      'tcp.analysis.out_of_order',
      'tcp.analysis.lost_segment',
      'tcp.flags.reset == 1',
      '_ws.malformed',
    ].join(' || ');
    const checks = ['-o', 'tcp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE'];
    const shark = await new Running(t, ['tshark', '-r', file, ...checks, '-Y', faults]).ended;
    t.is(shark.code, 0, shark.stderr);
    t.is(shark.stdout.toString(), '');
  });
});

test.serial('--pcap FILE.pcapng says of every frame why, and of every drop too', async (t) => {
  await withNamespace(t, async (ns) => {
    const file = temporaryFile(t, 'serve.pcapng');
    const serving = await serve(t, ns, 'echo', '--pcap', file);
    await runWithin(t, ns, 'ping', '-c1', '-W5', '-s5000', STACK);
    await within(t, ns, 'nc', '-n', '-N', STACK, '7').input('hello').ended;
    await within(t, ns, 'nc', '-n', STACK, '9').input('').ended;
    serving.kill('SIGTERM');
    t.is((await serving.ended).code, 0);

    const dump = await new Running(t, ['tcpdump', '-n', '-r', file]).input('').ended;
    t.is(dump.code, 0);
    t.regex(dump.stderr, /^reading from file \S+, link-type EN10MB[^\n]*\n$/);
    const fields = ['frame.time_delta', '_ws.col.Protocol', 'frame.comment'];
    const columns = fields.flatMap((field) => ['-e', field]);
    const shark = await new Running(t, ['tshark', '-r', file, '-T', 'fields', ...columns]).ended;
    t.is(shark.code, 0, shark.stderr);
    const lines = shark.stdout.toString().trimEnd().split('\n');
    for (const line of lines) {
      t.regex(line, /^\d\S*\t\S+\t(accepted|(dropped|sent): [a-z-]+( \(RFC [^)]+\))?: .+)$/);
    }
    const text = lines.join('\n');
    t.regex(text, /\tARP\taccepted\n\S+\tARP\tsent: arp-reply /, 'a question precedes its answer');
    t.regex(text, /\tTCP\tdropped: tcp-no-connection .*\n\S+\tTCP\tsent: reset /);
    t.regex(text, /sent: handshake \(RFC 9293 3\.5\): synchronize sequence numbers/);
  });
});

test.serial('--trace says of every frame why, and of every drop too', async (t) => {
  await withNamespace(t, async (ns) => {
    const serving = await serve(t, ns, 'echo', '--trace');
    await within(t, ns, 'nc', '-n', '-N', STACK, '7').input('hello').ended;
    await within(t, ns, 'nc', '-n', STACK, '9').input('').ended;
    serving.kill('SIGTERM');
    const { stdout, stderr } = await serving.ended;
    t.is(stdout.toString(), 'listening 10.107.0.2:7\n');
    const lines = stderr.trim().split('\n');
    for (const line of lines) {
      t.regex(
        line,
        /^\d+\.\d{6} ([<>!] (ARP,|IP) .* — (sent: |not sent: |accepted|dropped: )|\* )/,
      );
    }
    const has = (pattern: RegExp): void => {
      t.true(
        lines.some((line) => pattern.test(line)),
        String(pattern),
      );
    };
    has(/Flags \[S\].* — accepted; connection 1 .*SYN-RECEIVED$/);
    has(/Flags \[S\.\].* — sent: handshake \(RFC 9293 3\.5\): /);
    // the FIN may travel with the text
    has(/Flags \[F?P\.\], seq 1:6, .* — sent: (data|fin) \(RFC 9293 3\.[67]\): /);
    has(/Flags \[FP?\.\].* — sent: (data|fin) \(RFC 9293 3\.[67]\): /);
    has(
      / > 10\.107\.0\.2\.9: Flags \[S\].* — dropped: tcp-no-connection \(RFC 9293 3\.10\.7\.1\): /,
    );
    has(/ 10\.107\.0\.2\.9 > .*Flags \[R\.\].* — sent: reset \(RFC 9293 3\.5\.2\): /);
  });
});

test.serial('what stands in the way of the interface: exit code 1 and one line', async (t) => {
  await withNamespace(t, async (ns) => {
    await serve(t, ns, 'echo');
    const missing = `/nowhere/${ns}.pcap`;
    const cases: [string[], RegExp][] = [
      [['--netns', ns], /glass0.*: it exists already, take another$/],
      [['--netns', `${ns}-not`], /network namespace ".*-not" does not exist: make it with/],
      [
        ['--netns', ns, '--tap', 'glass1', '--pcap', missing],
        /^capture file \/nowhere.* cannot be/,
      ],
    ];
    for (const [args, expected] of cases) {
      const { code, stdout, stderr } = await glasstcp(t, 'serve', 'echo', ...args).ended;
      t.is(code, 1);
      t.is(stdout.toString(), '');
      t.regex(stderr, /^glasstcp: [^\n]+\n$/);
      t.regex(stderr.slice('glasstcp: '.length, -1), expected);
    }
    t.false(existsSync(missing));
    t.notRegex(run('ip', '-n', ns, '-o', 'link'), /glass1/);
  });
});

/** Conditions that a prefix of the command line makes, and what is said then. */
const OBSTACLES: [string, readonly string[], readonly string[], RegExp][] = [
  [
    'without CAP_NET_ADMIN',
    ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin'],
    [],
    /needs root \(CAP_NET_ADMIN\), or .*"unshare -Urn"$/,
  ],
  [
    'without /dev/net/tun',
    ['unshare', '-Urnm', 'sh', '-c', 'mount -t tmpfs none /dev/net && exec "$@"', 'sh'],
    [],
    /^\/dev\/net\/tun does not exist: as root, "modprobe tun"/,
  ],
  [
    'with the name of an interface that is no TAP',
    ['unshare', '-Urn'],
    ['--tap', 'lo'],
    /^an interface lo exists that is no TAP/,
  ],
];

for (const [condition, prefix, args, expected] of OBSTACLES) {
  test.serial(`${condition} serve fails: exit code 1 and one line`, async (t) => {
    const why = canUseTap();
    if (why !== null) {
      skip(t, why);
      return;
    }
    const running = new Running(t, [...prefix, ...GLASSTCP, 'serve', 'echo', ...args]);
    const { code, stderr } = await running.ended;
    t.is(code, 1);
    t.regex(stderr, /^glasstcp: [^\n]+\n$/);
    t.regex(stderr.slice('glasstcp: '.length, -1), expected);
  });
}

test.serial(
  'an interface that is deleted under serve ends it: exit code 1 and one line',
  async (t) => {
    await withNamespace(t, async (ns) => {
      const serving = await serve(t, ns, 'echo');
      run('ip', '-n', ns, 'link', 'del', 'dev', 'glass0');
      const { code, stderr } = await serving.ended;
      t.is(code, 1);
      t.is(stderr, 'glasstcp: interface glass0 was deleted\n');
    });
  },
);
