import test from 'ava';
import { MS } from '../../../src/core/base/time.ts';
import type { TcpConfig } from '../../../src/core/tcp/config.ts';
import { established, listening, opening, type Written } from '../../harness/transcript.ts';

/**
 * The window against numbers that were read off Linux 6.18 (tcp_rmem 4096 131072 33554432): the
 * window field on the wire, and `tcp_info` and SO_MEMINFO of its socket.
 */

const ALL = { timestamps: true, windowScaling: true };
const SYN: Written = { flags: 'S', mss: 1460, windowShift: 7, tsVal: 1, sackPermitted: true };

/** What the kernel answers to a SYN, and announces when 100 octets have come. */
const PASSIVE: readonly {
  readonly receiveBuffer: number;
  readonly timestamps: boolean;
  readonly scaling: boolean;
  readonly synAck: number;
  readonly shift: number;
  readonly ssthresh: number;
  readonly space: number;
  readonly after: number;
}[] = [
  {
    receiveBuffer: 0,
    timestamps: true,
    scaling: true,
    synAck: 65_160,
    shift: 10,
    ssthresh: 64_088,
    space: 14_480,
    after: 65_536,
  },
  {
    receiveBuffer: 0,
    timestamps: false,
    scaling: true,
    synAck: 64_240,
    shift: 10,
    ssthresh: 64_076,
    space: 14_600,
    after: 64_512,
  },
  {
    receiveBuffer: 0,
    timestamps: true,
    scaling: false,
    synAck: 65_160,
    shift: 0,
    ssthresh: 64_088,
    space: 14_480,
    after: 65_060,
  },
  {
    receiveBuffer: 0,
    timestamps: false,
    scaling: false,
    synAck: 64_240,
    shift: 0,
    ssthresh: 64_076,
    space: 14_600,
    after: 64_140,
  },
  {
    receiveBuffer: 4096,
    timestamps: true,
    scaling: true,
    synAck: 2896,
    shift: 0,
    ssthresh: 2896,
    space: 2896,
    after: 2896,
  },
  {
    receiveBuffer: 4096,
    timestamps: false,
    scaling: true,
    synAck: 2920,
    shift: 0,
    ssthresh: 2920,
    space: 2920,
    after: 2920,
  },
  {
    receiveBuffer: 65_536,
    timestamps: true,
    scaling: true,
    synAck: 65_160,
    shift: 1,
    ssthresh: 64_088,
    space: 14_480,
    after: 65_060,
  },
  {
    receiveBuffer: 65_536,
    timestamps: false,
    scaling: true,
    synAck: 64_240,
    shift: 1,
    ssthresh: 64_076,
    space: 14_600,
    after: 64_140,
  },
  {
    receiveBuffer: 1 << 20,
    timestamps: true,
    scaling: true,
    synAck: 65_535,
    shift: 5,
    ssthresh: 1_047_128,
    space: 14_480,
    after: 1_048_256,
  },
  {
    receiveBuffer: 1 << 20,
    timestamps: false,
    scaling: true,
    synAck: 65_535,
    shift: 5,
    ssthresh: 1_047_116,
    space: 14_600,
    after: 1_048_192,
  },
  {
    receiveBuffer: 4 << 20,
    timestamps: true,
    scaling: true,
    synAck: 65_535,
    shift: 7,
    ssthresh: 4_192_856,
    space: 14_480,
    after: 4_193_408,
  },
];

for (const row of PASSIVE) {
  const what = `buffer ${row.receiveBuffer}, timestamps ${row.timestamps}, scaling ${row.scaling}`;
  test(`Linux tcp_openreq_init_rwin: window and shift of a SYN-ACK: ${what}`, (t) => {
    const config: Partial<TcpConfig> = { ...ALL, receiveBuffer: row.receiveBuffer };
    const c = listening(t, { config });
    const tsVal = row.timestamps ? { tsVal: 1 } : {};
    c.receives({ flags: 'S', mss: 1460, ...tsVal, ...(row.scaling && { windowShift: 7 }) });
    const windowShift = row.scaling ? row.shift : -1;
    c.sends({ flags: 'S.', wnd: row.synAck, windowShift });
    c.receives({ flags: '.', seq: 1, ack: 1, ...tsVal });
    c.connection = c.listener?.accept() ?? null;
    const info = c.established.status(c.now);
    t.is(info.rcvSsthresh, row.ssthresh);
    t.is(info.rcvSpace, row.space);
    c.receives({ flags: 'P.', seq: 1, ack: 1, len: 100, ...tsVal });
    c.sends({ ack: 101, wnd: row.after >>> row.shift });
  });
}

const ACTIVE = [
  { receiveBuffer: 0, timestamps: true, scaling: true, syn: 64_240, shift: 10, ack: 63 },
  { receiveBuffer: 0, timestamps: false, scaling: true, syn: 64_240, shift: 10, ack: 63 },
  { receiveBuffer: 0, timestamps: false, scaling: false, syn: 64_240, shift: 10, ack: 64_240 },
  { receiveBuffer: 1 << 20, timestamps: true, scaling: true, syn: 65_535, shift: 5, ack: 32_759 },
  { receiveBuffer: 1 << 20, timestamps: false, scaling: true, syn: 65_535, shift: 5, ack: 32_759 },
  { receiveBuffer: 1 << 20, timestamps: false, scaling: false, syn: 65_535, shift: 5, ack: 65_535 },
  { receiveBuffer: 4 << 20, timestamps: true, scaling: true, syn: 65_535, shift: 7, ack: 32_759 },
] as const;

for (const row of ACTIVE) {
  const what = `buffer ${row.receiveBuffer}, timestamps ${row.timestamps}, scaling ${row.scaling}`;
  test(`Linux tcp_connect_init: window and shift of a SYN, and the third segment: ${what}`, (t) => {
    const c = opening(t, { config: { ...ALL, receiveBuffer: row.receiveBuffer } });
    c.sends({ flags: 'S', wnd: row.syn, windowShift: row.shift, sackPermitted: true });
    const options = {
      ...(row.timestamps && { tsVal: 1 }),
      ...(row.scaling && { windowShift: 7 }),
    };
    c.receives({ flags: 'S.', seq: 0, ack: 1, mss: 1460, ...options });
    c.sends({ flags: '.', seq: 1, ack: 1, wnd: row.ack });
  });
}

test('Linux tcp_select_initial_window: with the older tcp_rmem of 6 MiB the shift is 7', (t) => {
  const c = opening(t, { config: { ...ALL, rmemMax: 6_291_456 } });
  c.sends({ flags: 'S', wnd: 64_240, windowShift: 7 });
  c.receives({ flags: 'S.', seq: 0, ack: 1, mss: 1460, windowShift: 7, tsVal: 1 });
  c.sends({ flags: '.', wnd: 502 });
});

test('Linux tcp_grow_window: 24 full segments over veth that nobody reads', (t) => {
  const c = established(t, { config: ALL }, SYN);
  const seen: (readonly [number, number, number])[] = [];
  for (let i = 0; i < 24; i++) {
    c.receives({ flags: 'P.', seq: 1 + i * 1448, ack: 1, len: 1448, tsVal: 2 }).skip();
    c.passes(2 * MS).skip();
    const info = c.established.status(c.now);
    seen.push([info.rmem, info.rcvSsthresh, c.established.tcb.window.announced]);
  }
  t.deepEqual(seen, [
    [2280, 68_056, 68_608],
    [3728, 70_952, 71_680],
    [5176, 73_848, 74_752],
    [6624, 76_744, 76_800],
    [8072, 77_835, 78_848],
    [9520, 77_835, 77_824],
    [10_968, 77_835, 76_800],
    [12_416, 77_835, 75_776],
    [13_864, 77_835, 74_752],
    [15_312, 77_835, 73_728],
    [16_760, 77_835, 72_704],
    [18_208, 77_835, 71_680],
    [19_656, 77_835, 70_656],
    [21_104, 77_835, 69_632],
    [22_552, 77_835, 69_632],
    [24_000, 77_835, 68_608],
    [25_448, 77_835, 67_584],
    [27_728, 77_835, 66_560],
    [29_176, 77_835, 65_536],
    [30_624, 77_835, 64_512],
    [32_072, 77_835, 63_488],
    [33_520, 77_835, 63_488],
    [34_968, 77_835, 63_488],
    [36_416, 77_835, 63_488],
  ]);
});

test('Linux tcp_measure_rcv_mss: segments that the interface has joined teach the part that is text, once', (t) => {
  const c = established(t, { config: ALL }, SYN);
  c.receives({ flags: 'P.', seq: 1, ack: 1, len: 7240, tsVal: 2 });
  c.sends({ ack: 7241, wnd: 78, reason: 'ack-second-segment' });
  c.receives({ flags: 'P.', seq: 7241, ack: 1, len: 7240, tsVal: 2 });
  c.sends({ ack: 14_481, wnd: 92 });
  const { window, ack } = c.established.tcb;
  t.deepEqual([window.scalingRatio, ack.segment], [229, 1448]);
  c.receives({ flags: 'P.', seq: 14_481, ack: 1, len: 14_480, tsVal: 2 }).skip();
  t.is(window.scalingRatio, 229);
});

test('Linux tcp_rcv_space_adjust: the buffer grows to twice what is read in a round trip, and more', (t) => {
  const c = established(t, { config: ALL }, SYN);
  const { window, tuning } = c.established.tcb;
  tuning.rtt = 8 * 20 * MS;
  let seq = 1;
  const round = (segments: number): void => {
    for (let i = 0; i < segments; i++, seq += 1448) {
      c.receives({ flags: '.', seq, ack: 1, len: 1448, tsVal: 2 }).skip();
      c.read();
      c.turn();
      c.skip();
    }
    c.passes(20 * MS).skip();
  };
  round(1);
  t.deepEqual([tuning.space, window.buffer], [14_480, 131_072]);
  round(10);
  round(20);
  round(40);
  t.true(tuning.space > 14_480, `${tuning.space}`);
  t.true(window.buffer > 131_072, `${window.buffer}`);
  t.is(window.clamp, Math.floor((window.buffer * window.scalingRatio) / 256));
  for (let i = 0; i < 2; i++) round(100);
  t.true(window.buffer <= 33_554_432);
});

test('Linux SO_RCVBUF: a buffer that the user has set does not grow', (t) => {
  const c = established(t, { config: { ...ALL, receiveBuffer: 65_536 } }, SYN);
  const { window, tuning } = c.established.tcb;
  tuning.rtt = 8 * MS;
  for (let i = 0; i < 60; i++) {
    c.receives({ flags: '.', seq: 1 + i * 1448, ack: 1, len: 1448, tsVal: 2 }).skip();
    c.read();
    c.turn();
    c.skip().passes(MS).skip();
  }
  t.is(window.buffer, 131_072);
});
