import { gracefulClose } from '../../apps/gracefulClose.ts';
import { type HalfCloseProxy, halfCloseProxy } from '../../apps/halfCloseProxy.ts';
import { SECOND } from '../../core/base/time.ts';
import type { Lab, LabHost } from '../lab.ts';
import { connect, openPair, PORT, Program, serve } from '../play.ts';
import type { Scenario } from '../scenario.ts';

const QUESTION = 'question';
const ANSWER = 'the whole answer';

/** A server that needs ten seconds to think after it has read the whole question. */
function thinkingServer(lab: Lab, host: LabHost): void {
  serve(host, (socket) => {
    socket.resume();
    socket.on('error', () => undefined);
    socket.on('end', () => {
      lab.say('The server has read 0: the question is complete. It thinks for ten seconds.');
      lab.timers.setTimeout(() => {
        lab.say(socket.writable ? 'The server answers.' : 'Nobody is left to answer.');
        if (socket.writable) socket.end(ANSWER);
      }, 10_000);
    });
  });
}

/** The proxy of `src/apps` on one host, in front of another. */
async function startProxy(lab: Lab, on: LabHost, to: LabHost): Promise<HalfCloseProxy> {
  const upstream = { host: to.ip, port: PORT };
  const between = halfCloseProxy({ net: on.net, upstream, timers: lab.timers });
  await between.listen({ port: PORT });
  await lab.until(() => on.isListening(PORT) && to.isListening(PORT));
  return between;
}

/** A client that sends its question, ends its side, and waits for the answer. */
async function ask(lab: Lab, from: LabHost, proxy: LabHost): Promise<Program> {
  const client = new Program(connect(from, proxy));
  await lab.until(() => !client.socket.connecting);
  lab.say('The client sends its question, calls shutdown(send), and waits.');
  client.socket.end(QUESTION);
  await lab.until(() => client.closed);
  await lab.passes(20 * SECOND);
  return client;
}

export const proxy: Scenario = {
  name: 'proxy',
  claim:
    'A proxy must pass on what both sides do: when it reads 0 from one, it calls shutdown(send) towards the other; it closes when both sides have ended or one has failed.',
  shows:
    'The client’s FIN becomes a FIN towards the server, and nothing else: the proxy is in CLOSE-WAIT on one side and FIN-WAIT-2 on the other, and waits as long as the server thinks. The answer passes, then the server’s FIN, and only now does the proxy close. It took nothing for the end that was not the end.',
  async run(lab) {
    const a = lab.host('client');
    const p = lab.host('proxy');
    const b = lab.host('server');
    thinkingServer(lab, b);
    const between = await startProxy(lab, p, b);
    const client = await ask(lab, a, p);
    const { halfCloses, active } = between.counters;
    return { answer: client.text, halfCloses, active, resets: lab.resets() };
  },
};

export const naiveProxy: Scenario = {
  name: 'naive-proxy',
  claim:
    'Most proxies close both sides when a read returns 0. That is wrong: it is not compatible with a client that shuts down its send side and waits.',
  shows:
    'The same client and the same server. This proxy takes the client’s FIN for a close, and closes both sides at once. The server reads its question, thinks, and answers into nothing: its answer is met by a RST. The client, which was entitled to the answer, reads 0.',
  async run(lab) {
    const a = lab.host('client');
    const p = lab.host('proxy');
    const b = lab.host('server');
    thinkingServer(lab, b);
    serve(p, (near) => {
      const far = connect(p, b);
      near.on('data', (chunk) => far.write(chunk));
      far.on('data', (chunk) => near.write(chunk));
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        one.on('error', () => undefined);
        one.on('end', () => {
          one.destroySoon();
          other.destroySoon();
        });
      }
    });
    await lab.until(() => p.isListening(PORT) && b.isListening(PORT));
    const client = await ask(lab, a, p);
    return { expected: ANSWER, answer: client.text, resets: lab.resets() };
  },
};

export const hardClose: Scenario = {
  name: 'hard-close',
  claim:
    'To avoid many CLOSE-WAITs a proxy may call shutdown, wait 5 s, then set SO_LINGER to 0 and close: a hard close, which ends the connection whatever the peer does.',
  shows:
    'Three peers. One ends its side in time: the close is as graceful as any. One never ends it, and one sends without end: after 5 s both get a RST, and nothing of them is left. Neither CLOSE-WAIT nor FIN-WAIT-2 can stay longer than the grace. (A plain close() would have left FIN-WAIT-2 to the kernel for 60 s.)',
  async run(lab) {
    const outcomes: Record<string, unknown> = {};
    for (const peer of ['polite', 'silent', 'chatty']) {
      const a = lab.host(`${peer}-client`);
      const b = lab.host(`server-of-${peer}`);
      const { client, server } = await openPair(lab, a, b);
      if (peer === 'polite') client.socket.on('end', () => client.socket.end());
      if (peer === 'chatty') chat(lab, client);
      lab.say(`The server closes its connection with the ${peer} client.`);
      const from = lab.now;
      let outcome: string | null = null;
      gracefulClose(server.socket, { timers: lab.timers }).then((result) => {
        outcome = result;
      });
      await lab.until(() => outcome !== null);
      outcomes[peer] = { outcome, seconds: Math.round((lab.now - from) / SECOND) };
      await lab.passes(SECOND);
      client.socket.destroy();
      outcomes[`${peer} left`] = b.connections
        .map(({ state }) => state)
        .filter((state) => state !== 'TIME-WAIT').length;
    }
    return outcomes;
  },
};

/** Says something every second, for as long as it may. */
function chat(lab: Lab, program: Program): void {
  const speak = (): void => {
    if (!program.socket.writable) return;
    program.socket.write('and another thing');
    lab.timers.setTimeout(speak, 1000);
  };
  speak();
}

export const idleTimeout: Scenario = {
  name: 'idle-timeout',
  claim:
    'A program may also end a connection on which nothing has been said for 5 minutes; that is another matter than the closing of either side.',
  shows:
    'Both sides keep their connections open, and say nothing. TCP has no objection: silence is no failure. After 5 minutes the proxy’s own timer ends both connections, with a RST each, so that neither peer takes it for a regular end.',
  async run(lab) {
    const a = lab.host('client');
    const p = lab.host('proxy');
    const b = lab.host('server');
    const accepted: Program[] = [];
    serve(b, (socket) => accepted.push(new Program(socket)));
    const between = await startProxy(lab, p, b);
    const client = new Program(connect(a, p));
    await lab.until(() => accepted.length === 1);
    lab.say('The client says one word, and then nobody says anything.');
    client.socket.write('hello');
    await lab.until(() => (accepted[0]?.received ?? 0) > 0);
    const from = lab.now;
    await lab.until(() => client.closed && accepted[0]?.closed === true);
    return {
      seconds: Math.round((lab.now - from) / SECOND),
      client: client.error,
      server: accepted[0]?.error,
      idleTimeouts: between.counters.idleTimeouts,
    };
  },
};
