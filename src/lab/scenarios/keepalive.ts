import { type Micros, MS, SECOND } from '../../core/base/time.ts';
import type { ProbeOctets, TcpConfig } from '../../core/tcp/config.ts';
import type { Lab } from '../lab.ts';
import { openPair, type Program } from '../play.ts';
import type { Scenario } from '../scenario.ts';

/** The document's, which are Linux's. */
const IDLE = 7200 * SECOND;
const INTERVAL = 75 * SECOND;
const COUNT = 9;

interface Watched {
  readonly client: Program;
  readonly server: Program;
}

/** A connection whose server has switched keepalive on, and then a word each way. */
async function watched(lab: Lab, count = COUNT, probeOctets: ProbeOctets = 0): Promise<Watched> {
  const a = lab.host('client');
  const b = lab.host('server');
  const pair = await openPair(lab, a, b);
  lab.say(`The server switches keepalive on: 7200 s idle, then every 75 s, ${count} probes.`);
  pair.server.socket.setKeepAlive({
    initialDelay: IDLE / MS,
    interval: INTERVAL / MS,
    count,
    probeOctets,
  });
  pair.client.socket.write('hello');
  await lab.until(() => pair.server.received > 0);
  await lab.passes(SECOND);
  return pair;
}

function probes(lab: Lab): number {
  return lab.segments('keepalive-probe').length;
}

/** Until the connection of the server is over. @returns seconds since the last word of the client */
async function secondsToDeath(lab: Lab, server: Program): Promise<number> {
  const from = lab.now - SECOND;
  await lab.until(() => server.closed);
  return Math.round((lab.now - from) / SECOND);
}

export const keepaliveAlive: Scenario = {
  name: 'keepalive-alive',
  claim:
    'First state of the client: it runs and can be reached. Its TCP answers, and the server resets its timer for another two hours.',
  shows:
    'After two idle hours the server sends an empty segment with a number that the client has acknowledged long ago. The client’s TCP must answer it with an ACK, whatever its program does; the server then waits for two hours again. Neither program notices anything.',
  async run(lab) {
    const { client, server } = await watched(lab);
    await lab.passes(3 * IDLE + SECOND);
    return {
      probes: probes(lab),
      answers: lab.segments('ack-unacceptable').length,
      state: server.socket.readyState,
      delivered: client.received,
    };
  },
};

export const keepaliveCrashed: Scenario = {
  name: 'keepalive-crashed',
  claim:
    'Second state: the client has crashed, and does not answer. The document says 10 probes of 75 s; Linux’s count is 9 (tcp_keepalive_probes).',
  shows:
    'Nobody answers any more. After two idle hours the server probes every 75 s; 75 s after the last probe it gives up: it sends a RST, and its program gets ETIMEDOUT. With Linux’s 9 probes that is 7200 + 9 x 75 s = 2 h 11 min 15 s after the last word; with `--probes 10` it is the document’s 7200 + 10 x 75 s.',
  async run(lab, { probes: count = COUNT }) {
    const { server } = await watched(lab, count);
    lab.say('The client crashes.');
    lab.hosts[0]?.crash();
    const seconds = await secondsToDeath(lab, server);
    return { probes: probes(lab), secondsAfterLastWord: seconds, error: server.error };
  },
};

export const keepaliveRebooted: Scenario = {
  name: 'keepalive-rebooted',
  claim:
    'Third state: the client has crashed and started again. It answers the probe with a RST, and the server ends the connection.',
  shows:
    'The probe reaches a TCP that has never heard of this connection, so it answers with a RST (RFC 9293 3.10.7.1). One probe is enough: the server’s program gets ECONNRESET.',
  async run(lab) {
    const { server } = await watched(lab);
    lab.say('The client crashes, and starts again a minute later.');
    lab.hosts[0]?.crash();
    await lab.passes(60 * SECOND);
    lab.hosts[0]?.reboot();
    const seconds = await secondsToDeath(lab, server);
    return { probes: probes(lab), secondsAfterLastWord: seconds + 60, error: server.error };
  },
};

export const keepaliveUnreachable: Scenario = {
  name: 'keepalive-unreachable',
  claim:
    'Fourth state: the client runs, but cannot be reached. The document says that TCP sees only silence; in truth it may be told, and keeps the news softly.',
  shows:
    'A router on the way answers each probe with ICMP "host unreachable". That may be a passing fault, and it may be forged, so it must not end the connection (RFC 9293 3.9.2.2): the server keeps it in mind and goes on probing. Only when the count has run out does it report it: EHOSTUNREACH in place of ETIMEDOUT. (Linux keeps ICMP errors about text in the same way, but drops those about probes as out of the window, and says ETIMEDOUT here.) Where nobody says anything it is as with a crash.',
  async run(lab) {
    const { client, server } = await watched(lab);
    lab.say('The way to the client breaks; the router says so.');
    const [host] = lab.hosts;
    if (host !== undefined) host.path = 'host-unreachable';
    const seconds = await secondsToDeath(lab, server);
    return {
      probes: probes(lab),
      icmp: lab.routerErrors,
      secondsAfterLastWord: seconds,
      error: server.error,
      client: client.closed ? 'closed' : 'open',
    };
  },
};

function probeScenario(octets: ProbeOctets): Scenario {
  const [name, what] =
    octets === 0
      ? ['keepalive-probe-0', 'no text at all']
      : ['keepalive-probe-1', 'one octet, which is garbage'];
  return {
    name,
    claim: `A probe is a bare ACK with ${what}; its sequence number repeats the one before, so it lies outside of the window.`,
    shows: `The probe has the number SND.NXT - 1, which the client has acknowledged: RCV.NXT - 1 for the client, left of its window. So it is not acceptable (RFC 9293 3.10.7.4), which is the point: an unacceptable segment must be answered by an ACK. Nothing is delivered to the program${octets === 1 ? ', not even the garbage octet, which some old stacks need in order to answer at all (MAY-6)' : ' (SHLD-12: probes should carry no data)'}.`,
    async run(lab) {
      const { client } = await watched(lab, COUNT, octets);
      await lab.passes(IDLE + SECOND);
      const [probe] = lab.segments('keepalive-probe');
      return {
        probe: probe?.line ?? 'none',
        // The repeated octet is answered as text that has arrived twice.
        answered: lab.segments(octets === 0 ? 'ack-unacceptable' : 'ack-duplicate').length,
        delivered: client.received,
      };
    },
  };
}

export const keepaliveProbe0 = probeScenario(0);
export const keepaliveProbe1 = probeScenario(1);

export const keepaliveBlocked: Scenario = {
  name: 'keepalive-blocked-by-retransmission',
  claim:
    'If the peer drops off while text is unacknowledged, that is sent again and again, with priority over keepalive: no probe is ever sent, and only much later does the program learn of it.',
  shows:
    'The client is gone before the server’s answer reaches it. Although keepalive would find that out in 7200 + 675 s at most, and here even after 60 + 9 x 10 s, it never gets its turn: while anything is unacknowledged the retransmission timer alone counts (MUST-26). It gives up after R2, some 15 minutes with Linux’s 15 repetitions (RFC 9293 3.8.3). A second server has set a user timeout of 30 s (TCP_USER_TIMEOUT): it learns 30 s after the first repetition.',
  async run(lab) {
    const a = lab.host('client');
    const outcomes: Record<string, unknown>[] = [];
    for (const userTimeout of [0, 30 * SECOND]) {
      const b = lab.host(userTimeout === 0 ? 'server' : 'server-with-user-timeout');
      const { server } = await openPair(lab, a, b);
      server.socket.setKeepAlive({ initialDelay: 60_000, interval: 10_000, count: 9 });
      if (userTimeout > 0) server.socket.setUserTimeout(userTimeout / MS);
      lab.say(`${b.name}: the client crashes, and then the program writes its answer.`);
      a.crash();
      const from = lab.now;
      server.socket.write('answer');
      await lab.until(() => server.closed);
      outcomes.push({
        probes: probes(lab),
        seconds: Math.round((lab.now - from) / SECOND),
        error: server.error,
      });
      a.reboot();
    }
    return { retransmissionLimit: outcomes[0], userTimeout: outcomes[1] };
  },
};

interface Personality {
  readonly name: string;
  readonly config: Partial<TcpConfig>;
  /** Where the numbers come from. */
  readonly source: string;
}

function keeping(idle: Micros, interval: Micros, count: number, octets: ProbeOctets = 0) {
  return {
    keepAlive: true,
    keepAliveIdle: idle,
    keepAliveInterval: interval,
    keepAliveCount: count,
    keepAliveProbeOctets: octets,
  } satisfies Partial<TcpConfig>;
}

/** How other stacks are set when a program asks for keepalive and for nothing else. */
const PERSONALITIES: readonly Personality[] = [
  { name: 'linux', config: keeping(IDLE, INTERVAL, 9), source: 'Linux tcp(7)' },
  { name: 'gvisor', config: keeping(IDLE, INTERVAL, 9), source: 'gVisor pkg/tcpip/transport/tcp' },
  { name: 'lwip', config: keeping(IDLE, INTERVAL, 9), source: 'lwIP tcp_priv.h' },
  {
    // One octet, at an interval that the program must choose; a timeout of its own ends it.
    name: 'smoltcp',
    config: { ...keeping(INTERVAL, INTERVAL, 127, 1), userTimeout: 10 * INTERVAL },
    source:
      'smoltcp socket::tcp, keep-alive 75 s and timeout 750 s, chosen here: it has no defaults',
  },
  {
    name: 'node',
    config: keeping(IDLE, SECOND, 10),
    source: 'libuv uv_tcp_keepalive: interval 1 s, 10 probes; idle as given, else the system’s',
  },
];

export const personalities: Scenario = {
  name: 'personalities',
  claim:
    'For Linux there are three parameters: tcp_keepalive_time, tcp_keepalive_probes, tcp_keepalive_intvl. Other systems have others.',
  shows:
    'The same crash, seen by servers with the published parameters of five stacks. Linux, gVisor and lwIP agree to the second. smoltcp sends one garbage octet at an interval of the program’s choice, and leaves it to a timeout, also the program’s, to give up. Node’s own sockets ask the kernel for a probe each second, ten in all, so they give up 10 s after the first. All send a RST at the end.',
  async run(lab) {
    const outcome: Record<string, unknown> = {};
    for (const { name, config, source } of PERSONALITIES) {
      const a = lab.host(`${name}-client`);
      const b = lab.host(name, config);
      const { server } = await openPair(lab, a, b);
      lab.say(`${name} (${source}): the client crashes.`);
      a.crash();
      const from = lab.now;
      const before = probes(lab);
      await lab.until(() => server.closed);
      const sent = lab.segments('keepalive-probe');
      outcome[name] = {
        probes: sent.length - before,
        octets: Number(/length (\d+)/.exec(sent.at(-1)?.line ?? '')?.[1] ?? 0),
        seconds: Math.round((lab.now - from) / SECOND),
        error: server.error,
      };
    }
    return outcome;
  },
};
