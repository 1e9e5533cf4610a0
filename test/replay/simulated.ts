import type { Micros } from '../../src/core/base/time.ts';
import { MS, SECOND } from '../../src/core/base/time.ts';
import { captureDevice } from '../../src/core/capture/captureDevice.ts';
import type { CapturedPacket } from '../../src/core/capture/capturedPacket.ts';
import { type Recording, RecordingCollector } from '../../src/core/replay/recording.ts';
import type { ApplicationCall, Sidecar } from '../../src/core/replay/sidecar.ts';
import type { ImpairmentOptions } from '../../src/core/sim/impairment.ts';
import { ADDRESS_B, createPair, type Network } from '../../src/core/sim/network.ts';
import type { TcpConfig } from '../../src/core/tcp/config.ts';
import type { Connection } from '../../src/core/tcp/connection.ts';

/** What happens in a simulated conversation of A, who opens, with B. */
export interface Scene {
  readonly delay?: Micros;
  readonly config?: Partial<TcpConfig>;
  readonly impairmentOfA?: ImpairmentOptions;
  readonly impairmentOfB?: ImpairmentOptions;
  /** At A or at B; A if not given. */
  readonly capturedAt?: 'a' | 'b';
  /** What the two do, in milliseconds after A has connected. */
  readonly acts: readonly Act[];
  readonly until?: Micros;
}

export interface Act {
  readonly at: number;
  readonly by: 'a' | 'b';
  readonly act: { readonly write: number } | { readonly close: 'shutdown' | 'close' | 'abort' };
}

/** A conversation of two of our own stacks, as a capture, and what their applications did. */
export interface Simulated {
  readonly packets: readonly CapturedPacket[];
  readonly recording: Recording;
  readonly sidecar: Sidecar;
}

/** Frames must not arrive at the same instant: they would be answered together. */
const RATE = 100e6;
const PORT = 80;
const CLIENT_PORT = 40_000;
const EPOCH: Micros = 1_700_000_000 * SECOND;

/** Plays a scene; both read at once. */
export function simulate(scene: Scene): Simulated {
  const packets: CapturedPacket[] = [];
  const { delay = 10 * MS, config = {}, capturedAt = 'a' } = scene;
  let network: Network | null = null;
  const wrap = (device: Parameters<typeof captureDevice>[0]) =>
    captureDevice(
      device,
      {
        frame(frame, now) {
          const octets = frame.slice();
          if ((octets[12] ?? 0) * 256 + (octets[13] ?? 0) !== 0x0800) return;
          const number = packets.length + 1;
          const originalLength = octets.length;
          const rest = { nanos: 0, linkType: 1, octets, originalLength, comments: [] };
          packets.push({ number, time: EPOCH + now, ...rest });
        },
      },
      { now: () => network?.now ?? 0 },
    );
  const pair = createPair({
    delay,
    rate: RATE,
    a: {
      config,
      ...(scene.impairmentOfA !== undefined && { impairment: scene.impairmentOfA }),
      ...(capturedAt === 'a' && { wrap }),
    },
    b: {
      config,
      ...(scene.impairmentOfB !== undefined && { impairment: scene.impairmentOfB }),
      ...(capturedAt === 'b' && { wrap }),
    },
  });
  const { a, b } = pair;
  network = pair.network;
  const running = network;
  a.connect({ remoteAddress: ADDRESS_B, remotePort: 9 }, running.now);
  running.runTo(3 * SECOND); // the addresses are known
  packets.length = 0;
  const calls = {
    a: [] as [Micros, Omit<ApplicationCall, 'at'>][],
    b: [] as [Micros, Omit<ApplicationCall, 'at'>][],
  };
  const note = (by: 'a' | 'b', call: Omit<ApplicationCall, 'at'>): void => {
    calls[by].push([running.now, call]);
  };
  const listener = b.listen(ADDRESS_B, PORT, 8);
  const start = running.now;
  const client = a.connect(
    { remoteAddress: ADDRESS_B, remotePort: PORT, localPort: CLIENT_PORT },
    start,
  );
  note('a', { call: 'connect' });
  calls.b.push([start - MS, { call: 'listen' }]);
  let server: Connection | null = null;
  const into = new Uint8Array(65_536);
  const readAll = (by: 'a' | 'b', connection: Connection): void => {
    for (let n = connection.receive(into); n > 0; n = connection.receive(into)) {
      note(by, { call: 'read', octets: n } as Omit<ApplicationCall, 'at'>);
    }
  };
  listener.onAcceptable = () => {
    server = listener.accept();
    note('b', { call: 'accept' });
    if (server === null) return;
    const accepted = server;
    accepted.onEvents = () => readAll('b', accepted);
    readAll('b', accepted);
  };
  client.onEvents = () => readAll('a', client);
  for (const { at, by, act } of scene.acts) {
    running.runTo(start + at * MS);
    const connection = by === 'a' ? client : server;
    if (connection === null) throw new Error('nobody has connected');
    if ('write' in act) {
      connection.send(Uint8Array.from({ length: act.write }, (_, i) => i & 0xff));
      note(by, { call: 'write', octets: act.write } as Omit<ApplicationCall, 'at'>);
    } else if (act.close === 'shutdown') {
      connection.close(running.now);
      note(by, { call: 'shutdown', how: 'write' } as Omit<ApplicationCall, 'at'>);
    } else if (act.close === 'close') {
      connection.release(running.now);
      note(by, { call: 'close' });
    } else {
      connection.abort(running.now);
      note(by, { call: 'setsockopt', option: 'SO_LINGER', value: 0 } as Omit<
        ApplicationCall,
        'at'
      >);
      note(by, { call: 'close' });
    }
  }
  running.runTo(start + (scene.until ?? 10 * SECOND));
  const first = (packets[0]?.time ?? EPOCH) - EPOCH;
  const timed = (of: 'a' | 'b'): ApplicationCall[] =>
    calls[of].map(
      ([at, call]) => ({ at: (at - first) / SECOND, backlog: 8, ...call }) as ApplicationCall,
    );
  return {
    packets,
    recording: recordingOf(packets),
    sidecar: {
      description: 'simulated',
      capturedAt: capturedAt === 'a' ? 'client' : 'server',
      link: '',
      ends: {
        client: end('10.0.0.1', CLIENT_PORT, timed('a')),
        server: end('10.0.0.2', PORT, timed('b')),
      },
    },
  };
}

/** The first conversation of a capture. */
export function recordingOf(packets: readonly CapturedPacket[]): Recording {
  const collector = new RecordingCollector(0);
  for (const packet of packets) collector.add(packet);
  const recording = collector.recording();
  if (recording === null) throw new Error('no conversation was recorded');
  return recording;
}

function end(address: string, port: number, calls: readonly ApplicationCall[]) {
  return { address, port, stack: 'glasstcp', mtu: 1500, calls } as const;
}

export const CLIENT = { address: '10.0.0.1', port: CLIENT_PORT };
export const SERVER = { address: '10.0.0.2', port: PORT };
