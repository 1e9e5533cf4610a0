import test from 'ava';
import fc from 'fast-check';
import { MS, SECOND } from '../../src/core/base/time.ts';
import { configure, DEFAULT_CONFIG } from '../../src/core/tcp/config.ts';

const HOUR = 3600 * SECOND;
const LONG = Number.MAX_SAFE_INTEGER;

const RANGES = {
  sendBuffer: [0, 2 ** 30],
  wmemDefault: [1, 2 ** 30],
  wmemMax: [1, 2 ** 30],
  receiveBuffer: [0, 2 ** 29],
  rmemDefault: [2304, 2 ** 29],
  rmemMax: [2304, 2 ** 29],
  maxPacingRate: [0, LONG],
  mss: [0, 65_495],
  leastMss: [48, 65_495],
  leastBurst: [1, 65_535],
  windowDivisor: [0, 255],
  notSentLowWater: [0, 0xffff_ffff],
  synRetries: [0, 127],
  earlyRetransmit: [0, 4],
  synLinearTimeouts: [0, 127],
  synAgain: [0, HOUR],
  synAckRetries: [0, 127],
  fastOpenBacklog: [0, 65_535],
  fastOpenPause: [0, LONG],
  fastOpenRefusal: [0, LONG],
  adviceRetries: [1, 127],
  dataRetries: [0, 127],
  connectTimeout: [0, LONG],
  synPlainAfter: [0, 127],
  orphanRetries: [0, 127],
  initialRto: [MS, HOUR],
  rtoSlop: [0, HOUR],
  mtuBaseMss: [48, 65_495],
  mtuProbeFloor: [48, 65_495],
  mtuProbeThreshold: [1, 65_495],
  mtuProbeInterval: [0, LONG],
  rtoFloor: [0, HOUR],
  invalidAckInterval: [0, HOUR],
  minRto: [MS, HOUR],
  maxRto: [MS, HOUR],
  delayedAck: [0, 500 * MS],
  compressedAcks: [0, 255],
  timeWait: [0, HOUR],
  finWait2: [0, HOUR],
  userTimeout: [0, LONG],
  keepAliveIdle: [MS, LONG],
  keepAliveInterval: [MS, LONG],
  keepAliveCount: [1, 127],
  keepAliveProbeOctets: [0, 1],
  ttl: [1, 255],
  trafficClass: [0, 255],
} as const;

test('settings: each takes the ends of its range, and nothing beyond them', (t) => {
  for (const [name, [low, high]] of Object.entries(RANGES)) {
    for (const value of [low, high]) {
      t.deepEqual(configure(DEFAULT_CONFIG, { [name]: value }), {
        ...DEFAULT_CONFIG,
        [name]: value,
      });
    }
    for (const value of [low - 1, high + 2, low + 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      const message = `${name} is ${value}: it must be an integer from ${low} to ${high}`;
      t.throws(() => configure(DEFAULT_CONFIG, { [name]: value }), {
        instanceOf: RangeError,
        message,
      });
    }
  }
});

test('settings: every number has a range', (t) => {
  const numbers = Object.entries(DEFAULT_CONFIG).filter(([, value]) => typeof value === 'number');
  t.deepEqual(numbers.map(([name]) => name).sort(), Object.keys(RANGES).sort());
});

test('settings: the layout of segments in memory is one of three', (t) => {
  t.is(configure(DEFAULT_CONFIG, { segmentLayout: 'linear' }).segmentLayout, 'linear');
  const changes: object = { segmentLayout: 'heap' };
  t.throws(() => configure(DEFAULT_CONFIG, changes), {
    instanceOf: RangeError,
    message: 'segmentLayout is heap: it must be paged or linear or tun',
  });
});

test('settings: a congestion controller is one of those that there are', (t) => {
  t.is(DEFAULT_CONFIG.congestionControl, 'cubic');
  t.is(configure(DEFAULT_CONFIG, { congestionControl: 'reno' }).congestionControl, 'reno');
  const changes: object = { congestionControl: 'vegas' };
  t.throws(() => configure(DEFAULT_CONFIG, changes), {
    instanceOf: RangeError,
    message: 'congestionControl is vegas: it must be cubic or reno or bbr',
  });
});

test('settings: a value that is no number is refused', (t) => {
  const changes: object = { ttl: '64' };
  t.throws(() => configure(DEFAULT_CONFIG, changes), {
    instanceOf: RangeError,
    message: /^ttl is 64/,
  });
});

test('settings: what is not changed stays, and the base is not touched', (t) => {
  const before = { ...DEFAULT_CONFIG };
  const some = fc.record(
    { noDelay: fc.boolean(), ttl: fc.integer({ min: 1, max: 255 }), mss: fc.nat(65_495) },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(some, (changes) => {
      t.deepEqual(configure(DEFAULT_CONFIG, changes), { ...before, ...changes });
    }),
  );
  t.deepEqual(DEFAULT_CONFIG, before);
});

test('MUST-25, MUST-28, MUST-40: the defaults of keepalive and delayed ACKs are within the limits', (t) => {
  const { delayedAck, keepAlive, keepAliveIdle } = DEFAULT_CONFIG;
  t.true(delayedAck < 500 * MS);
  t.true(keepAliveIdle >= 2 * HOUR);
  t.false(keepAlive);
});

test('Linux TCP_FASTOPEN_KEY: one key or two, of 16 octets each', (t) => {
  for (const fastOpenKey of ['', 'a1'.repeat(16), 'a1'.repeat(32)]) {
    t.is(configure(DEFAULT_CONFIG, { fastOpenKey }).fastOpenKey, fastOpenKey);
  }
  for (const fastOpenKey of ['a1', 'A1'.repeat(16), 'a1'.repeat(24)]) {
    t.throws(() => configure(DEFAULT_CONFIG, { fastOpenKey }), { instanceOf: RangeError });
  }
});
