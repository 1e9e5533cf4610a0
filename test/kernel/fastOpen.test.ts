import { once } from 'node:events';
import http from 'node:http';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { runWithin, within } from '../cli/processes.ts';
import { countersOf, run, withNamespace } from '../harness/netns.ts';
import { KERNEL, openSite, STACK } from './world.ts';

/** Both roles, and all listeners of the kernel without a word of theirs. */
const ALL = 'net.ipv4.tcp_fastopen=0x403';
const PORT = 5000;
const ECHO = `require('net').createServer((socket) => socket.pipe(socket))
  .listen(${PORT}, '${KERNEL}', () => console.error('listening'))`;

function allow(ns: string): void {
  run('ip', 'netns', 'exec', ns, 'sysctl', '-qw', ALL);
}

/** Starts a server of the kernel's that gives back what it gets. */
async function echoOnKernel(t: ExecutionContext, ns: string): Promise<void> {
  await within(t, ns, process.execPath, '-e', ECHO).says(/listening/);
}

test.serial(
  "RFC 7413 4.2: our second SYN carries text, and the kernel's server takes it",
  async (t) => {
    await withNamespace(t, async (ns) => {
      allow(ns);
      const { stack } = await openSite(t, ns, {});
      await echoOnKernel(t, ns);
      for (const isKnown of [false, true]) {
        const socket = stack.net.connect({ host: KERNEL, port: PORT, fastOpen: true });
        socket.end('hello');
        t.is(await text(socket), 'hello');
        t.is(socket.tcpInfo()?.synData, isKnown);
      }
      const counters = countersOf(ns);
      t.is(counters.get('TcpExtTCPFastOpenCookieReqd'), 1);
      t.is(counters.get('TcpExtTCPFastOpenPassive'), 1);
      t.is(counters.get('TcpExtTCPFastOpenPassiveFail'), 0);
      t.is(stack.core.tcp.counters.TCPFastOpenActive, 1);
    });
  },
);

test.serial(
  "RFC 7413 4.2: the kernel's second SYN carries text, and our server takes it",
  async (t) => {
    await withNamespace(t, async (ns) => {
      allow(ns);
      const { stack } = await openSite(t, ns, {
        config: { fastOpenServer: true, fastOpenBacklog: 8 },
      });
      const site = http.createServer((_, response) => response.end('hello'));
      const server = stack.net.createServer({ allowHalfOpen: true }, (socket) => {
        site.emit('connection', socket);
      });
      server.listen(80);
      await once(server, 'listening');
      for (let times = 0; times < 2; times++) {
        const url = `http://${STACK}/`;
        t.is(
          await runWithin(t, ns, 'curl', '-sS', '--max-time', '60', '--tcp-fastopen', url),
          'hello',
        );
      }
      const { counters } = stack.core.tcp;
      t.is(counters.TCPFastOpenCookieReqd, 1);
      t.is(counters.TCPFastOpenPassive, 1);
      t.is(countersOf(ns).get('TcpExtTCPFastOpenActive'), 1);
      t.is(countersOf(ns).get('TcpExtTCPFastOpenActiveFail'), 0);
    });
  },
);
