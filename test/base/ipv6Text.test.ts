import { isIPv6 } from 'node:net';
import test from 'ava';
import fc from 'fast-check';
import { formatIpv6 } from '../../src/core/base/ipv6Text.ts';

function formatted(...groups: readonly number[]): string {
  const view = new DataView(new ArrayBuffer(20));
  for (const [i, group] of groups.entries()) view.setUint16(3 + 2 * i, group);
  return formatIpv6(view, 3);
}

test('RFC 5952 4: lower case, no leading zeros, the first longest run of zeros as ::', (t) => {
  t.is(formatted(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1), '2001:db8::1');
  t.is(formatted(0x2001, 0xdb8, 0, 1, 0, 0, 0, 1), '2001:db8:0:1::1');
  t.is(formatted(0x2001, 0, 0, 1, 0, 0, 1, 0xabcd), '2001::1:0:0:1:abcd');
  t.is(formatted(0x2001, 0xdb8, 0, 1, 1, 1, 1, 1), '2001:db8:0:1:1:1:1:1');
  t.is(formatted(0xfe80, 0, 0, 0, 0, 0, 0, 0), 'fe80::');
  t.is(formatted(0, 0, 0, 0, 0, 0, 0, 0), '::');
  t.is(formatted(0, 0, 0, 0, 0, 0, 0, 1), '::1');
  t.is(formatted(0, 0, 0, 0, 0, 0xffff, 0x0a6b, 0x0001), '::ffff:10.107.0.1');
});

test('whatever the groups, the text is an IPv6 address and no other', (t) => {
  const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
  fc.assert(
    fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
      const text = formatted(...groups);
      t.true(isIPv6(text), text);
      const [canonical = ''] = /\[(.*)\]/.exec(new URL(`http://[${text}]/`).host)?.slice(1) ?? [];
      // the URL standard writes an embedded IPv4 address in hexadecimal
      if (!text.includes('.')) t.is(text, canonical);
    }),
  );
});
