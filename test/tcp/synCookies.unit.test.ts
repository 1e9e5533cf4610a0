import test from 'ava';
import { ipv4 } from '../../src/core/base/address.ts';
import { add, seq } from '../../src/core/base/seq.ts';
import { MS, SECOND } from '../../src/core/base/time.ts';
import { optionsIn, SynCookies, setBack } from '../../src/core/tcp/listen/synCookies.ts';

const PAIR = {
  localAddress: ipv4(0x0a000001),
  localPort: 80,
  remoteAddress: ipv4(0x0a000002),
  remotePort: 40_000,
};
const IRS = seq(0xfffffff0);
const MINUTE = 60 * SECOND;

function cookies(fill = 7): SynCookies {
  return new SynCookies(new Uint8Array(16).fill(fill));
}

test('RFC 4987 3.6: a cookie says the size that the peer takes, rounded down', (t) => {
  const c = cookies();
  const sizes = [
    [0, 536],
    [40, 48],
    [300, 216],
    [536, 536],
    [1399, 1300],
    [1400, 1400],
    [1460, 1460],
    [65_495, 8960],
  ] as const;
  for (const [mss, expected] of sizes) {
    t.is(c.check(PAIR, IRS, c.make(PAIR, IRS, mss, 5 * MINUTE), 5 * MINUTE), expected);
  }
});

test('RFC 4987 3.6: a cookie is good for its minute and the next, at the wrap of the count too', (t) => {
  const c = cookies();
  for (const minute of [0, 255, 256, 1_000_003]) {
    const at = minute * MINUTE;
    const cookie = c.make(PAIR, IRS, 1460, at);
    t.is(c.check(PAIR, IRS, cookie, at + MINUTE - 1), 1460);
    t.is(c.check(PAIR, IRS, cookie, at + 2 * MINUTE - 1), 1460);
    t.is(c.check(PAIR, IRS, cookie, at + 2 * MINUTE), 0);
    t.is(c.check(PAIR, IRS, cookie, at + 200 * MINUTE), 0);
  }
});

test('RFC 4987 3.6: a cookie is of no use with other addresses, ports, numbers or another secret', (t) => {
  const c = cookies();
  const cookie = c.make(PAIR, IRS, 1460, MINUTE);
  t.is(c.check({ ...PAIR, remotePort: 40_001 }, IRS, cookie, MINUTE), 0);
  t.is(c.check({ ...PAIR, remoteAddress: ipv4(0x0a000003) }, IRS, cookie, MINUTE), 0);
  t.is(c.check(PAIR, add(IRS, 1000), cookie, MINUTE), 0);
  t.is(cookies(8).check(PAIR, IRS, cookie, MINUTE), 0);
});

test('RFC 4987 3.6: of all numbers hardly any is a cookie', (t) => {
  const c = cookies();
  let found = 0;
  for (let i = 0; i < 200_000; i++) {
    if (c.check(PAIR, IRS, seq(Math.imul(i, 0x9e3779b1)), MINUTE) !== 0) found++;
  }
  t.true(found <= 2, `${found} of 200000`); // expected: 200000 * 2 * 8 / 2^32
});

test('Linux tcp_syncookies: options survive in the lowest bits of a timestamp', (t) => {
  for (const windowShift of [-1, 0, 7, 14]) {
    for (const sack of [true, false]) {
      for (const ecn of [true, false]) {
        for (const clock of [100, 163, 0xffff_ffff, 5e12]) {
          const options = { windowShift, sack, ecn };
          const back = setBack(options, clock * MS);
          t.true(back >= 0 && back < 64);
          t.deepEqual(optionsIn((clock - back + 12_345) >>> 0, 12_345), options);
        }
      }
    }
  }
});
