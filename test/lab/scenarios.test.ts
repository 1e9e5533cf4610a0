import { readFileSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { Lab } from '../../src/lab/lab.ts';
import type { ScenarioOptions } from '../../src/lab/scenario.ts';
import { SCENARIOS } from '../../src/lab/scenarios.ts';
import { linesOf } from '../../src/lab/story.ts';

/** What each scenario must find out; with the transcript, which says every segment, it is all. */
const OUTCOMES: Readonly<Record<string, unknown>> = {
  'read-zero': {
    bothReadZero: true,
    afterShutdown: 'answer, and one more word',
    afterClose: 'EPIPE',
    resets: 1,
  },
  'half-close': { answer: 'piece 1\npiece 2\npiece 3\npiece 4\n', hours: 5, resets: 0 },
  'close-on-eof': {
    expected: 'first part, second part',
    received: 'first part, ',
    resets: 0,
  },
  proxy: {
    answer: 'the whole answer',
    halfCloses: { clientToServer: 1, serverToClient: 1 },
    active: 0,
    resets: 0,
  },
  'naive-proxy': { expected: 'the whole answer', answer: '', resets: 1 },
  'idle-timeout': {
    seconds: 300,
    client: 'ECONNRESET',
    server: 'ECONNRESET',
    idleTimeouts: 1,
  },
  'hard-close': {
    polite: { outcome: 'closed', seconds: 0 },
    'polite left': 0,
    silent: { outcome: 'reset', seconds: 5 },
    'silent left': 0,
    chatty: { outcome: 'reset', seconds: 5 },
    'chatty left': 0,
  },
  'keepalive-vs-heartbeat': {
    heartbeat: { says: 'dead', beats: 4, seconds: 245 },
    keepalive: { says: 'alive', probes: 10, answered: 10 },
    octetsPerHour: { heartbeat: 7680, keepalive: 4800 },
  },
  'close-wait-pile': { server: Array(5).fill('CLOSE-WAIT'), client: [] },
  'double-close': {
    sameNumber: true,
    strangerByDescriptor: 'closed',
    strangerByHandle: 'open',
  },
  'close-with-unread-data': { clientError: 'ECONNRESET', server: 0, resets: 1 },
  'keepalive-alive': { probes: 3, answers: 3, state: 'open', delivered: 0 },
  'keepalive-crashed': { probes: 9, secondsAfterLastWord: 7200 + 9 * 75, error: 'ETIMEDOUT' },
  'keepalive-rebooted': { probes: 1, secondsAfterLastWord: 7200, error: 'ECONNRESET' },
  'keepalive-unreachable': {
    probes: 9,
    icmp: 9,
    secondsAfterLastWord: 7200 + 9 * 75,
    error: 'EHOSTUNREACH',
    client: 'open',
  },
  'keepalive-probe-0': {
    probe: 'server.80 > client.58836: Flags [.], ack 6, win 63, length 0',
    answered: 1,
    delivered: 0,
  },
  'keepalive-probe-1': {
    probe: 'server.80 > client.58836: Flags [.], seq 0:1, ack 6, win 63, length 1',
    answered: 1,
    delivered: 0,
  },
  'keepalive-blocked-by-retransmission': {
    retransmissionLimit: { probes: 0, seconds: 956, error: 'ETIMEDOUT' },
    userTimeout: { probes: 0, seconds: 30, error: 'ETIMEDOUT' },
  },
  'half-open': { meanwhile: 'ESTABLISHED', error: 'ECONNRESET', resets: 1 },
  personalities: {
    linux: { probes: 9, octets: 0, seconds: 7875, error: 'ETIMEDOUT' },
    gvisor: { probes: 9, octets: 0, seconds: 7875, error: 'ETIMEDOUT' },
    lwip: { probes: 9, octets: 0, seconds: 7875, error: 'ETIMEDOUT' },
    smoltcp: { probes: 9, octets: 1, seconds: 750, error: 'ETIMEDOUT' },
    node: { probes: 10, octets: 0, seconds: 7210, error: 'ETIMEDOUT' },
  },
};

async function play(name: string, options: ScenarioOptions = {}) {
  const scenario = SCENARIOS.find((s) => s.name === name);
  if (scenario === undefined) throw new Error(`no scenario ${name}`);
  const lab = new Lab();
  const outcome = await scenario.run(lab, options);
  const transcript = lab.events.flatMap((event) => linesOf(event, lab.start)).join('\n');
  return { outcome, transcript: `${transcript}\n`, lab };
}

for (const { name } of SCENARIOS) {
  test(`lab ${name}: its outcome, and every segment of its transcript`, async (t) => {
    const { outcome, transcript } = await play(name);
    t.deepEqual(outcome, OUTCOMES[name]);
    const file = new URL(`./transcripts/${name}.txt`, import.meta.url);
    // A new transcript is written on purpose, and read before it is committed.
    if (process.env['GLASS_WRITE_TRANSCRIPTS'] === '1') writeFileSync(file, transcript);
    t.is(transcript, readFileSync(file, 'utf8'));
  });
}

test('lab keepalive-crashed: with the count of the document the end comes one interval later', async (t) => {
  const { outcome } = await play('keepalive-crashed', { probes: 10 });
  t.deepEqual(outcome, { probes: 10, secondsAfterLastWord: 7950, error: 'ETIMEDOUT' });
});

test('lab: a scenario leaves no timer and no half-done turn behind', async (t) => {
  for (const { name } of SCENARIOS) {
    const { lab } = await play(name);
    t.false(lab.network.pending, name);
  }
});
