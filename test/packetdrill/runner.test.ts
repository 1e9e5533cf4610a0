import test, { type ExecutionContext } from 'ava';
import { type DrillOptions, drill } from '../../src/core/packetdrill/run/drill.ts';
import type { ScriptResult } from '../../src/core/packetdrill/run/result.ts';

/** What the interpreter makes of scripts: the stack's own conduct is what the corpus tests. */

const LISTENING = `
0   socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0  bind(3, ..., ...) = 0
+0  listen(3, 1) = 0
`;

const CONNECTED = `${LISTENING}
+0  < S 0:0(0) win 65535 <mss 1000>
+0  > S. 0:0(0) ack 1 <mss 1460>
+.1 < . 1:1(0) ack 1 win 65535
+0  accept(3, ..., ...) = 4
`;

function run(text: string, options: Partial<DrillOptions> = {}): Promise<ScriptResult> {
  const defaults = {
    mode: 'strict',
    config: {},
    dialect: null,
    defines: {},
    overrides: [],
  } as const;
  return drill(text, { ...defaults, ...options });
}

async function passes(t: ExecutionContext, text: string, options: Partial<DrillOptions> = {}) {
  const { verdict, reason, transcript } = await run(text, options);
  t.is(verdict, 'pass', `${reason}\n${transcript.join('\n')}`);
}

async function fails(
  t: ExecutionContext,
  text: string,
  reason: RegExp,
  options: Partial<DrillOptions> = {},
): Promise<ScriptResult> {
  const result = await run(text, options);
  t.is(result.verdict, 'fail');
  t.regex(result.reason, reason);
  return result;
}

async function isUnsupported(t: ExecutionContext, text: string, what: string): Promise<void> {
  const { verdict, reason } = await run(text);
  t.deepEqual([verdict, reason], ['unsupported', what]);
}

test('a script that is no script fails at its line and column', async (t) => {
  const result = await run('0 socket(');
  t.is(result.verdict, 'fail');
  t.is(result.position?.line, 1);
});

test('the system is defined, and the other one is not', async (t) => {
  const script = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
#ifdef Linux
+0 close(3) = 0
#endif
#ifdef FreeBSD
+0 close(3) = 1
#endif
`;
  await passes(t, script);
  await fails(t, script, /close/, { system: 'FreeBSD' });
});

test('timers of FreeBSD may be late by 5 % alone', async (t) => {
  const script = `${CONNECTED}
+0  close(4) = 0
+0  > F. 1:1(0) ack 1
+.1 < . 1:1(0) ack 2 win 65535
+10 socket(..., SOCK_STREAM, IPPROTO_TCP) = 5
+0  fcntl(5, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0  connect(5, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0  > S 0:0(0) <...>
+.9 > S 0:0(0) <...>
`;
  await passes(t, script);
  await fails(t, script, /too late/, { system: 'FreeBSD' });
});

test('sent segments count as one that is longer, unless --strict_segments says otherwise', async (t) => {
  const script = `${CONNECTED}
+0 write(4, ..., 3000) = 3000
+0 > P. 1:3001(3000) ack 1
`;
  await passes(t, script);
  await fails(t, `--strict_segments\n${script}`, /another flags, length/);
  await fails(t, script, /another flags, length/, {
    overrides: [{ name: 'strict_segments', value: null }],
  });
});

test('a segment that is longer than expected is none of what is expected', async (t) => {
  const script = `${CONNECTED}
+0 write(4, ..., 1000) = 1000
+0 > P. 1:501(500) ack 1
`;
  const result = await fails(t, script, /another length/);
  t.is(result.expected, '> P. 1:501(500) ack 1');
  t.is(result.actual, '> P. 1:1001(1000) ack 1');
  t.deepEqual(result.differences, [{ field: 'length', expected: '500', actual: '1000' }]);
  t.regex(result.sendReason ?? '', /^data \(RFC 9293 3\.7\)/);
  t.is(result.position?.line, 12);
  t.is(result.transcript.at(-1)?.split('  //')[0], '0.100000 > P. 1:1001(1000) ack 1');
});

test('numbers count from those of the SYNs; a SYN has its own, and acknowledges those of the wire', async (t) => {
  await passes(
    t,
    `${LISTENING}
+0  < S 1000:1000(0) win 65535 <mss 1000>
+0  > S. 500:500(0) ack 1001 <mss 1460>
+.1 < . 1:1(0) ack 1 win 65535
+0  accept(3, ..., ...) = 4
+0  < P. 1:11(10) ack 1 win 65535
+0  > . 1:1(0) ack 11
`,
  );
});

test('a packet must be sent within the tolerance: 4 ms, or an eighth of the time before it', async (t) => {
  const script = (time: string, options = ''): string => `${options}
${CONNECTED}
+0 setsockopt(4, SOL_SOCKET, SO_KEEPALIVE, [1], 4) = 0
+0 setsockopt(4, SOL_TCP, TCP_KEEPIDLE, [10], 4) = 0
${time} > . 0:0(0) ack 1
`;
  await passes(t, script('+10'));
  await passes(t, script('+11.4'));
  await fails(t, script('+11.5'), /too early/);
  await passes(t, script('+8.9'));
  await fails(t, script('+8.8'), /too late/);
  await fails(t, script('+11', '--tolerance_percent=1'), /too early/);
  await passes(t, script('+11', '--tolerance_percent=1 --tolerance_usecs=1000000'));
});

test('times are absolute, relative, any, or a range', async (t) => {
  await passes(t, `${CONNECTED}0.3 write(4, ..., 100) = 100\n0.3 > P. 1:101(100) ack 1\n`);
  await passes(t, `${CONNECTED}+.3 write(4, ..., 100) = 100\n* > P. 1:101(100) ack 1\n`);
  await passes(t, `${CONNECTED}+.3 write(4, ..., 100) = 100\n0.3~0.5 > P. 1:101(100) ack 1\n`);
  await passes(t, `${CONNECTED}+.3 write(4, ..., 100) = 100\n+0~+1 > P. 1:101(100) ack 1\n`);
  await fails(
    t,
    `${CONNECTED}+.3 write(4, ..., 100) = 100\n+.1 > P. 1:101(100) ack 1\n`,
    /too early/,
  );
  await fails(
    t,
    `${CONNECTED}+.3 write(4, ..., 100) = 100\n0.1 > P. 1:101(100) ack 1\n`,
    /too late/,
  );
  await fails(t, `${CONNECTED}0.05 write(4, ..., 100) = 100\n`, /too late for an event/);
});

test('nothing more is waited for than two seconds', async (t) => {
  const result = await fails(t, `${CONNECTED}+1 > P. 1:101(100) ack 1\n`, /^nothing was sent$/);
  t.is(result.expected, '> P. 1:101(100) ack 1');
});

test('timestamps are compared as the script counts them, if it says how long a tick is', async (t) => {
  const script = (value: number): string => `--tcp_ts_tick_usecs=1000
${LISTENING}
+0  < S 0:0(0) win 65535 <mss 1000,nop,nop,TS val 1 ecr 0>
+0  > S. 0:0(0) ack 1 <mss 1460,nop,nop,TS val 500 ecr 1>
+.1 < . 1:1(0) ack 1 win 65535 <nop,nop,TS val 101 ecr 500>
+0  accept(3, ..., ...) = 4
+0  write(4, ..., 10) = 10
+0  > P. 1:11(10) ack 1 <nop,nop,TS val ${value} ecr 101>
`;
  await passes(t, script(600));
  await fails(t, script(900), /another options/);
  await passes(t, script(900).replace('--tcp_ts_tick_usecs=1000', ''));
});

test('an echo of what was never sent is a mistake of the script', async (t) => {
  await fails(
    t,
    `${LISTENING}
+0  < S 0:0(0) win 65535 <mss 1000,nop,nop,TS val 1 ecr 0>
+0  > S. 0:0(0) ack 1 <mss 1460,nop,nop,TS val 500 ecr 1>
+.1 < . 1:1(0) ack 1 win 65535 <nop,nop,TS val 101 ecr 777>
`,
    /^TS ecr 777: no segment/,
  );
});

test('a call that blocks returns when the script says, and what comes meanwhile goes on', async (t) => {
  const script = (end: string): string => `${CONNECTED}
+0...${end} read(4, ..., 100) = 10
+.2 < P. 1:11(10) ack 1 win 65535
+0  > . 1:1(0) ack 11
`;
  await passes(t, script('0.200'));
  await fails(t, script('0.400'), /^read\(\) returned at 0\.300000 s, not at 0\.500000 s/);
});

test('a call that does not block must return at once', async (t) => {
  await fails(t, `${CONNECTED}+0 read(4, ..., 100) = 10\n`, /^read\(\) does not return/);
});

test('the result, the errno and what the kernel writes back are compared', async (t) => {
  await fails(t, `${CONNECTED}+0 write(4, ..., 100) = 99\n`, /result is 100, not 99/);
  await fails(
    t,
    `${CONNECTED}+0 recv(4, ..., 9, MSG_DONTWAIT) = -1 EPIPE (Broken pipe)\n`,
    /result is -1 EAGAIN, not -1 EPIPE/,
  );
  await passes(
    t,
    `${CONNECTED}+0 recv(4, ..., 9, MSG_DONTWAIT) = -1 EWOULDBLOCK (Same as EAGAIN)\n`,
  );
  await fails(t, `${CONNECTED}+0 ioctl(4, SIOCINQ, [7]) = 0\n`, /value is 0, not 7/);
});

test('a mismatch of a kind that is not fatal is a warning', async (t) => {
  const script = `--non_fatal=syscall\n${CONNECTED}+0 write(4, ..., 100) = 99\n`;
  const result = await run(script);
  t.is(result.verdict, 'pass');
  t.deepEqual(result.warnings, ['line 11: write(): result is 100, not 99']);
});

test('--mss: what the peer sends with segmentation offload arrives as its segments', async (t) => {
  await passes(
    t,
    `--mss=1000
${CONNECTED}
+0 < P. 1:3001(3000) ack 1 win 65535
* > . 1:1(0) ack 3001
+0 %{ assert tcpi_rcv_mss == 1000, tcpi_rcv_mss }%
`,
  );
});

test('code sees the connection at its time, under the names of tcp_info', async (t) => {
  await passes(
    t,
    `${CONNECTED}+0 %{ assert tcpi_state == TCP_ESTABLISHED\nassert tcpi_snd_mss == 1000 }%\n`,
  );
  await fails(t, `${CONNECTED}+0 %{ assert tcpi_unacked == 3 }%\n`, /tcpi_unacked is 0/);
});

test('known commands become settings and questions, and none is given to a shell', async (t) => {
  const sack =
    '+0 < S 0:0(0) win 65535 <mss 1000,nop,nop,sackOK>\n+0 > S. 0:0(0) ack 1 <mss 1460>\n';
  await passes(t, `\`sysctl -q net.ipv4.tcp_sack=0\`\n${LISTENING}${sack}`);
  await passes(
    t,
    `\`../common/set_sysctls.py /proc/sys/net/ipv4/tcp_sack=0\`\n${LISTENING}${sack}`,
  );
  await passes(
    t,
    `\`../../common/defaults.sh\`\n${LISTENING}
+0 < S 0:0(0) win 65535 <mss 1000,nop,wscale 7>\n+0 > S. 0:0(0) ack 1 <mss 1460,nop,wscale 8>\n`,
  );
  const count = '`sockstat -4 -P tcp -s | grep 8080 | grep -c ESTABLISHED | grep 1`';
  await passes(t, `${CONNECTED}+0 ${count}\n`);
  await fails(t, `${LISTENING}+0 ${count}\n`, /^0 connections are in ESTABLISHED/);
});

test('a sysctl of FreeBSD is done, without effect by its nature, or unsupported', async (t) => {
  const set = (what: string) => `0 \`sysctl -w ${what}\`\n+0 socket(..., 1, 6) = 3\n`;
  for (const what of ['net.inet.tcp.tso=0', 'net.inet.tcp.cc.algorithm=newreno']) {
    await passes(t, set(what));
  }
  for (const what of [
    'net.inet.tcp.blackhole=1',
    'net.inet.tcp.cc.algorithm=dctcp',
    'net.inet.tcp.sendspace=4096',
    'net.inet.tcp.functions_default=rack',
    'net.inet.tcp.udp_tunneling_port=9899',
    'net.inet.tcp.no_such_thing=0',
  ]) {
    await isUnsupported(t, set(what), `sysctl ${what}`);
  }
  await isUnsupported(t, `--udp_encapsulation=tcp\n${LISTENING}`, 'option --udp_encapsulation');
});

test('what is not known is unsupported: neither passed nor failed', async (t) => {
  await isUnsupported(t, `${LISTENING}+0 \`touch /tmp/x\`\n`, 'command touch /tmp/x');
  await isUnsupported(
    t,
    `\`sysctl -q net.ipv4.tcp_ecn=3\`\n${LISTENING}`,
    'sysctl net.ipv4.tcp_ecn=3',
  );
  await isUnsupported(t, `--ip_version=ipv6\n${LISTENING}`, 'IPv6');
  await isUnsupported(
    t,
    `${LISTENING}+0 setsockopt(3, SOL_TCP, TCP_MD5SIG, [1], 4) = 0\n`,
    'option 14 of TCP',
  );
  await isUnsupported(t, `${LISTENING}+0 vmsplice(3, ..., 5) = 5\n`, 'system call vmsplice');
});

test('relaxed: the set of options counts, PSH and the window do not', async (t) => {
  const script = `${LISTENING}
+0  < S 0:0(0) win 65535 <mss 1000,nop,nop,sackOK>
+0  > S. 0:0(0) ack 1 win 1 <sackOK,mss 1460,nop,nop>
+.1 < . 1:1(0) ack 1 win 65535
+0  accept(3, ..., ...) = 4
+0  write(4, ..., 10) = 10
+0  > . 1:11(10) ack 1
`;
  await passes(t, script, { mode: 'relaxed' });
  await fails(t, script, /another win, options/);
});

test('packets of other connections are not what is expected', async (t) => {
  await passes(
    t,
    `${CONNECTED}
+0  < 50000 > 9 S 0:0(0) win 65535
+0  write(4, ..., 10) = 10
+0  > P. 1:11(10) ack 1
`,
  );
  await passes(
    t,
    `${CONNECTED}
+0  < 50000 > 9 S 0:0(0) win 65535
+0  > 9 > 50000 R. ...(0) ack 1
`,
  );
});

test('ICMP is injected about what was sent', async (t) => {
  await passes(
    t,
    `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0...0.100 connect(3, ..., ...) = -1 EHOSTUNREACH (No route to host)
+0  > S 0:0(0) <...>
+.1 < icmp unreachable host_unreachable [0:0(0)]
`,
  );
});

test('scripts share nothing', async (t) => {
  for (let i = 0; i < 50; i++) await passes(t, CONNECTED);
});
