import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { MS, SECOND } from '../../../src/core/base/time.ts';
import {
  type FromPcapOptions,
  scriptFromRecording,
} from '../../../src/core/packetdrill/fromPcap.ts';
import { drill } from '../../../src/core/packetdrill/run/drill.ts';
import type { Recording } from '../../../src/core/replay/recording.ts';
import type { Sidecar } from '../../../src/core/replay/sidecar.ts';
import {
  CLIENT,
  recordingOf,
  type Scene,
  SERVER,
  type Simulated,
  simulate,
} from '../../replay/simulated.ts';
import { parsed } from './scripts.ts';

/** The text of the script of a recording. */
function scriptOf(t: ExecutionContext, recording: Recording, options: FromPcapOptions): string {
  const made = scriptFromRecording(recording, options);
  if (made.kind === 'script') return made.text;
  t.fail(made.message);
  return '';
}

/** The script is one, and passes on this stack. */
async function passes(t: ExecutionContext, text: string): Promise<void> {
  parsed(t, text);
  const { verdict, reason, position, expected, actual } = await drill(text, {
    mode: 'strict',
    config: { segmentLayout: 'paged' },
    dialect: null,
    defines: {},
    overrides: [],
  });
  const lines = text.split('\n').map((line, index) => `${index + 1} ${line}`);
  t.is(
    verdict,
    'pass',
    `${position?.line}: ${reason}\n${expected}\n${actual}\n${lines.join('\n')}`,
  );
}

const write = (at: number, by: 'a' | 'b', octets: number) => ({ at, by, act: { write: octets } });
const shut = (at: number, by: 'a' | 'b') => ({ at, by, act: { close: 'shutdown' as const } });

/** Conversations of two of our own stacks. */
const SCENES: Readonly<Record<string, Scene>> = {
  'a request, an answer, and both close': {
    acts: [write(50, 'a', 500), write(100, 'b', 3000), shut(200, 'a'), shut(300, 'b')],
  },
  'much text in one direction': {
    acts: [write(50, 'a', 100_000), shut(60, 'a'), shut(1000, 'b')],
  },
  'much text in the other': { acts: [write(50, 'b', 60_000), shut(1000, 'b'), shut(1100, 'a')] },
  'no options at all': {
    config: { timestamps: false, sack: false, windowScaling: false },
    acts: [write(50, 'a', 2000), write(100, 'b', 2000), shut(200, 'b'), shut(300, 'a')],
  },
  'a reset': { acts: [write(50, 'a', 500), { at: 100, by: 'a', act: { close: 'abort' } }] },
  'a SYN that is lost': {
    impairmentOfA: { drop: [0] },
    acts: [write(2000, 'a', 500), shut(2100, 'a'), shut(2200, 'b')],
    until: 20 * SECOND,
  },
  'a segment that is lost': {
    impairmentOfA: { drop: [3] },
    acts: [write(50, 'a', 8000), shut(2000, 'a'), shut(2200, 'b')],
    until: 20 * SECOND,
  },
  'a long way': {
    delay: 150 * MS,
    acts: [write(500, 'a', 5000), write(1000, 'b', 5000), shut(2000, 'a'), shut(2500, 'b')],
  },
};

/**
 * How often a receiver acknowledges at once depends on when its text is read, which the packets of
 * a stream do not show.
 */
const NEEDS_ITS_READS: readonly (readonly [string, typeof CLIENT])[] = [
  ['much text in one direction', SERVER],
  ['much text in the other', CLIENT],
];

/** With its calls from the sidecar, and read off the packets. */
const scripts = (simulated: Simulated, as: typeof CLIENT): readonly [string, Sidecar | null][] => [
  [`${as === CLIENT ? 'client' : 'server'}, as its sidecar tells`, simulated.sidecar],
  [`${as === CLIENT ? 'client' : 'server'}, as its packets show`, null],
];

for (const [title, scene] of Object.entries(SCENES)) {
  test(`a recording of this stack becomes a script that passes: ${title}`, async (t) => {
    for (const [capturedAt, as] of [
      ['a', CLIENT],
      ['b', SERVER],
    ] as const) {
      const simulated = simulate({ ...scene, capturedAt });
      const needsReads = NEEDS_ITS_READS.some(([scene, end]) => scene === title && end === as);
      for (const [how, sidecar] of scripts(simulated, as)) {
        if (needsReads && sidecar === null) continue;
        const text = scriptOf(t, simulated.recording, { as, sidecar });
        t.log(how);
        await passes(t, text);
      }
    }
  });
}

test('a script counts from the SYNs, injects what arrived, expects what was sent', (t) => {
  const simulated = simulate({
    acts: [write(50, 'a', 500), write(100, 'b', 100), shut(200, 'a'), shut(300, 'b')],
  });
  const text = scriptOf(t, simulated.recording, { as: CLIENT, sidecar: simulated.sidecar });
  const plain = text
    .split('\n')
    .filter((line) => /^[0-9+]/.test(line))
    .map((line) =>
      line
        .replace(/^\S+ /, '')
        .replace(/ <.*>$|val.*$/, '')
        .replace(/ win \d+/, ''),
    );
  t.deepEqual(plain, [
    'socket(..., SOCK_STREAM, IPPROTO_TCP) = 3',
    'fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0',
    'connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)',
    '> S 0:0(0)',
    '< S. 0:0(0) ack 1',
    '> . 1:1(0) ack 1',
    'write(3, ..., 500) = 500',
    '> P. 1:501(500) ack 1',
    '< . 1:1(0) ack 501',
    '< P. 1:101(100) ack 501',
    // it is read at once, so that the ACK comes last at the same instant
    'read(3, ..., 100) = 100',
    '> . 501:501(0) ack 101',
    'shutdown(3, SHUT_WR) = 0',
    '> F. 501:501(0) ack 101',
    '< . 101:101(0) ack 502',
    '< F. 101:101(0) ack 502',
    '> . 502:502(0) ack 102',
  ]);
});

test('windows of sent packets are expected where that is asked for', async (t) => {
  const simulated = simulate({ acts: [write(50, 'a', 500), shut(200, 'a'), shut(300, 'b')] });
  const options = { as: CLIENT, sidecar: simulated.sidecar };
  t.notRegex(scriptOf(t, simulated.recording, options), /^\S+ > .* win \d/m);
  const text = scriptOf(t, simulated.recording, { ...options, windows: true });
  t.regex(text, /^\S+ > S 0:0\(0\) win 6\d{4} </m);
  await passes(t, text);
});

test('a conversation that begins midway is refused', (t) => {
  const { packets } = simulate({ acts: [write(50, 'a', 500), shut(200, 'a'), shut(300, 'b')] });
  const made = scriptFromRecording(recordingOf(packets.slice(3)), { as: CLIENT, sidecar: null });
  t.like(made, {
    kind: 'refused',
    message: 'the recording has no SYN: a script needs the handshake to begin with',
  });
});

test('options, errors and flags of a sidecar become calls; what has no call is noted', (t) => {
  const { recording, sidecar } = simulate({ acts: [write(50, 'a', 500), shut(200, 'a')] });
  const calls: Sidecar['ends']['client']['calls'] = [
    { at: -0.005, call: 'setsockopt', option: 'TCP_KEEPIDLE', value: 3 },
    { at: -0.004, call: 'setsockopt', option: 'SO_LINGER', value: -1 },
    { at: -0.003, call: 'setsockopt', option: 'TCP_CONGESTION', value: 'reno' },
    { at: -0.002, call: 'setsockopt', option: 'MADE_UP', value: 1 },
    { at: -0.001, call: 'setsockopt', option: 'TCP_CONGESTION', value: 'a"b' },
    { at: -0.001, call: 'setsockopt', option: 'SO_X) = 0\n0 f(', value: 1 },
    { at: 0, until: 1, call: 'error', of: 'connect', error: 'ETIMEDOUT' },
    { at: 2, call: 'write', octets: 5, flags: ['more', 'oob'] },
    { at: 3, call: 'error', of: 'read', error: 'ECONNRESET' },
    { at: 4, call: 'error', of: 'write', error: 'EPIPE' },
    { at: 5, call: 'read', octets: 0 },
    { at: 6, call: 'close' },
  ];
  const told: Sidecar = {
    ...sidecar,
    sysctls: {
      'net.ipv4.tcp_congestion_control': 'bbr',
      'net.ipv4.tcp_retries2': '5',
      'net.ipv4.tcp_rmem': '1 2 3',
      HZ: '`x`',
    },
    ends: { ...sidecar.ends, client: { ...sidecar.ends.client, calls } },
  };
  const made = scriptFromRecording(recording, { as: CLIENT, sidecar: told });
  if (made.kind !== 'script') return t.fail(made.message);
  t.deepEqual(made.notes, [
    'left out: setsockopt MADE_UP',
    'left out: setsockopt TCP_CONGESTION',
    'left out: setsockopt SO_X) = 0 0 f(',
  ]);
  const { init, events } = parsed(t, made.text);
  t.deepEqual(init?.text.split('\n').sort(), [
    'sysctl -q net.ipv4.tcp_retries2=5',
    'sysctl -q net.ipv4.tcp_rmem="1 2 3"',
  ]);
  const written = events.filter(({ action }) => action.kind === 'call').map(({ text }) => text);
  t.deepEqual(written.slice(2), [
    '0 setsockopt(3, SOL_TCP, TCP_KEEPIDLE, [3], 4) = 0',
    '0.001 setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=0, linger=0}, 8) = 0',
    '0.002 setsockopt(3, SOL_TCP, TCP_CONGESTION, "reno", 4) = 0',
    '0.005 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)',
    '1.005 getsockopt(3, SOL_SOCKET, SO_ERROR, [ETIMEDOUT], [4]) = 0',
    '2.005 send(3, ..., 5, MSG_MORE|MSG_OOB) = 5',
    // when it failed is not recorded: before the next call
    '4.005 read(3, ..., 1000) = -1 ECONNRESET',
    '5.005 write(3, ..., 1) = -1 EPIPE',
    '5.005 read(3, ..., 1000) = 0',
    '6.005 close(3) = 0',
  ]);
});

test('a capture with any octets changed becomes a script or is refused', (t) => {
  const { packets, sidecar } = simulate({
    acts: [write(50, 'a', 4000), write(100, 'b', 3000), shut(200, 'a'), shut(300, 'b')],
  });
  const change = fc.record({
    packet: fc.nat(),
    at: fc.nat({ max: 80 }),
    octet: fc.nat({ max: 255 }),
  });
  const property = fc.property(
    fc.array(change, { minLength: 1, maxLength: 12 }),
    fc.boolean(),
    fc.boolean(),
    (changes, hasSidecar, isClient) => {
      const changed = packets.map((packet) => ({ ...packet, octets: packet.octets.slice() }));
      for (const { packet, at, octet } of changes) {
        const octets = changed[packet % changed.length]?.octets;
        if (octets !== undefined && 14 + at < octets.length) octets[14 + at] = octet;
      }
      const recording = recordingOf(changed);
      const made = scriptFromRecording(recording, {
        as: recording.ends[isClient ? 0 : 1],
        sidecar: hasSidecar ? sidecar : null,
      });
      if (made.kind === 'script') parsed(t, made.text);
    },
  );
  fc.assert(property, { numRuns: 300 });
  t.pass();
});
