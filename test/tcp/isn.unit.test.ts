import test from 'ava';
import fc from 'fast-check';
import { ipv4 } from '../../src/core/base/address.ts';
import { diff } from '../../src/core/base/seq.ts';
import { SipHash } from '../../src/core/base/siphash.ts';
import { IsnGenerator, SECRET_LENGTH } from '../../src/core/tcp/listen/isn.ts';

const SECRET = Uint8Array.from({ length: SECRET_LENGTH }, (_, i) => i * 7);
const generator = new IsnGenerator(SECRET);
const address = fc.nat(0xffff_ffff).map(ipv4);
const port = fc.integer({ min: 1, max: 65_535 });
const time = fc.integer({ min: 0, max: 2 ** 50 });

test('MUST-8, SHLD-1: ISN goes up by one every 4 µs', (t) => {
  fc.assert(
    fc.property(address, port, address, port, time, fc.nat(2 ** 32), (l, lp, r, rp, now, later) => {
      const before = generator.isn(l, lp, r, rp, now);
      const after = generator.isn(l, lp, r, rp, now + later);
      const steps = Math.floor((now + later) / 4) - Math.floor(now / 4);
      t.is(diff(after, before), steps | 0);
    }),
  );
  const at = (now: number): number => generator.isn(ipv4(1), 1, ipv4(2), 2, now);
  t.is(at(3), at(0));
  t.is(at(4), (at(0) + 1) >>> 0);
});

test('RFC 6528 3: ISN = M + F(localip, localport, remoteip, remoteport, secretkey)', (t) => {
  const words = Uint32Array.of(0x0a000002, 0x0a000001, 80 * 0x10000 + 40_000, 0);
  const f = new SipHash(SECRET).hash32(words, 4);
  const isn = generator.isn(ipv4(0x0a000002), 80, ipv4(0x0a000001), 40_000, 4_000_000);
  t.is(isn as number, (1_000_000 + f) >>> 0);
});

test('RFC 6528 3: each part of the four-tuple changes the ISN', (t) => {
  const seen = new Set<number>();
  const times = 50;
  for (let i = 0; i < times; i++) {
    seen.add(generator.isn(ipv4(1 + i), 80, ipv4(1000), 5000, 0));
    seen.add(generator.isn(ipv4(500), 80 + i, ipv4(1000), 5000, 0));
    seen.add(generator.isn(ipv4(501), 80, ipv4(1001 + i), 5000, 0));
    seen.add(generator.isn(ipv4(501), 80, ipv4(1000), 5000 + i, 0));
  }
  t.is(seen.size, 4 * times);
});

test('MUST-9: another secret makes another ISN', (t) => {
  for (let i = 0; i < SECRET_LENGTH; i++) {
    const other = new IsnGenerator(SECRET.map((octet, k) => (k === i ? octet ^ 1 : octet)));
    const [a, b] = [generator, other].map((g) => g.isn(ipv4(1), 80, ipv4(2), 5000, 0));
    t.not(a, b);
  }
  t.throws(() => new IsnGenerator(new Uint8Array(8)), { instanceOf: RangeError });
});

test('RFC 7323 5.4: the offset of timestamps depends on the hosts, and is not the ISN', (t) => {
  const offset = generator.timestampOffset(ipv4(1), ipv4(2));
  t.is(generator.timestampOffset(ipv4(1), ipv4(2)), offset);
  t.not(generator.timestampOffset(ipv4(1), ipv4(3)), offset);
  t.not(generator.timestampOffset(ipv4(2), ipv4(1)), offset);
  t.not(generator.isn(ipv4(1), 0, ipv4(2), 0, 0) as number, offset);
  t.true(offset >= 0 && offset < 2 ** 32 && Number.isInteger(offset));
});
