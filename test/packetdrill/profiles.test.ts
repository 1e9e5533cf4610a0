import test, { type ExecutionContext } from 'ava';
import { drill } from '../../src/core/packetdrill/run/drill.ts';
import { PROFILES } from '../../src/core/tcp/profiles.ts';

/** What the profile of FreeBSD shows on the wire. */

const LISTENING = `
0   socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0  bind(3, ..., ...) = 0
+0  listen(3, 1) = 0
`;

async function passes(t: ExecutionContext, text: string): Promise<void> {
  const { verdict, reason, transcript } = await drill(text, {
    mode: 'strict',
    config: PROFILES.freebsd,
    system: 'FreeBSD',
    dialect: 'nplab',
    defines: {},
    overrides: [],
  });
  t.is(verdict, 'pass', `${reason}\n${transcript.join('\n')}`);
}

test('FreeBSD: the options of a SYN', async (t) => {
  await passes(
    t,
    `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > S 0:0(0) win 65535 <mss 1460,nop,wscale 6,sackOK,TS val 100 ecr 0>
+1 > S 0:0(0) win 65535 <mss 1460,nop,wscale 6,sackOK,TS val 1100 ecr 0>
+0 < S. 0:0(0) ack 1 win 32767 <mss 1460,sackOK,eol,eol>
+0 > . 1:1(0) ack 1 win 65535
`,
  );
});

const OFFERS = [
  ['mss 1460', 'mss 1460'],
  ['mss 1460,sackOK,eol,eol', 'mss 1460,sackOK,eol,eol'],
  ['mss 1460,nop,wscale 3', 'mss 1460,nop,wscale 6'],
  ['mss 1460,nop,wscale 3,sackOK,eol,eol', 'mss 1460,nop,wscale 6,sackOK,eol,eol'],
  ['mss 1460,nop,nop,TS val 7 ecr 0', 'mss 1460,nop,nop,TS val 100 ecr 7'],
  ['mss 1460,sackOK,TS val 7 ecr 0', 'mss 1460,sackOK,TS val 100 ecr 7'],
  [
    'mss 1460,nop,wscale 3,nop,nop,TS val 7 ecr 0',
    'mss 1460,nop,wscale 6,nop,nop,TS val 100 ecr 7',
  ],
] as const;

for (const [offered, answered] of OFFERS) {
  test(`FreeBSD: the SYN-ACK for <${offered}> has <${answered}>`, async (t) => {
    await passes(
      t,
      `${LISTENING}
+0 < S 0:0(0) win 65535 <${offered}>
+0 > S. 0:0(0) ack 1 win 65535 <${answered}>
`,
    );
  });
}

test('FreeBSD: the buffer is a multiple of the segment size, less what was not read', async (t) => {
  await passes(
    t,
    `${LISTENING}
+0  < S 0:0(0) win 65535 <mss 1460,nop,wscale 3>
+0  > S. 0:0(0) ack 1 win 65535 <mss 1460,nop,wscale 6>
+.1 < . 1:1(0) ack 1 win 65535
+0  accept(3, ..., ...) = 4
+0  < P. 1:800(799) ack 1 win 65535
*   > . 1:1(0) ack 800 win 1014
+0  read(4, ..., 799) = 799
+0  write(4, ..., 1) = 1
+0  > P. 1:2(1) ack 800 win 1026
`,
  );
});

test('FreeBSD: a reader that catches up announces the window', async (t) => {
  await passes(
    t,
    `--mss=1460
${LISTENING}
+0  < S 0:0(0) win 65535 <mss 1460,nop,wscale 3>
+0  > S. 0:0(0) ack 1 win 65535 <mss 1460,nop,wscale 6>
+.1 < . 1:1(0) ack 1 win 65535
+0  accept(3, ..., ...) = 4
+0  < . 1:43801(43800) ack 1 win 65535
*   > . 1:1(0) ack 43801 win 342
+.1 read(4, ..., 43800) = 43800
+0  > . 1:1(0) ack 43801 win 1026
`,
  );
});

test('FreeBSD: states are counted by sockstat, and TIME-WAIT is dropped by tcpdrop', async (t) => {
  await passes(
    t,
    `${LISTENING}
+0  < S 0:0(0) win 65535 <mss 1460>
+0  > S. 0:0(0) ack 1 win 65535 <mss 1460>
+.1 < . 1:1(0) ack 1 win 65535
+0  accept(3, ..., ...) = 4
+0  close(4) = 0
+0  > F. 1:1(0) ack 1 win 65535
+0  < F. 1:1(0) ack 2 win 65535
+0  > . 2:2(0) ack 2 win 65535
+0  \`sockstat -4 -P tcp -s | grep -c TIME_WAIT | grep 1\`
+0  \`tcpdrop -s TIME_WAIT\`
+.1 < . 2:2(0) ack 2 win 65535
+0  > R 2:2(0) win 0
`,
  );
});
