import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import type { CapturedPacket } from '../../src/core/capture/capturedPacket.ts';
import { readPackets } from '../../src/core/capture/captureReader.ts';
import { LinkType } from '../../src/core/capture/networkLayer.ts';
import { describeConversation } from '../../src/core/dissect/describe.ts';
import { Dissector } from '../../src/core/dissect/dissector.ts';

const CAPTURE = 'test/cli/dissect/loss-syn-ack.pcap';
const { packets: PACKETS } = readPackets(readFileSync(CAPTURE));

/** Every line about the packets. */
function told(packets: readonly CapturedPacket[]): string[] {
  const dissector = new Dissector();
  const lines = packets.map((packet) => dissector.add(packet).line());
  return [...lines, ...dissector.conversations().flatMap(describeConversation)];
}

test('no octets make it throw, and every packet is one line', (t) => {
  const change = fc.record({
    packet: fc.nat({ max: PACKETS.length - 1 }),
    // behind the Ethernet header
    at: fc.integer({ min: 14, max: 80 }),
    octet: fc.nat({ max: 255 }),
  });
  const cut = fc.record({ packet: fc.nat({ max: PACKETS.length - 1 }), to: fc.nat({ max: 80 }) });
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 20 }),
      fc.array(cut, { maxLength: 3 }),
      (cs, cuts) => {
        const changed = PACKETS.map((p) => ({ ...p, octets: Uint8Array.from(p.octets) }));
        for (const { packet, at, octet } of cs) {
          const octets = changed[packet]?.octets;
          if (octets !== undefined && at < octets.length) octets[at] = octet;
        }
        for (const { packet, to } of cuts) {
          const whole = changed[packet];
          if (whole !== undefined)
            changed[packet] = { ...whole, octets: whole.octets.slice(0, to) };
        }
        for (const line of told(changed)) t.false(line.includes('\n'));
      },
    ),
  );
});

test('an ICMP error belongs to the conversation that it quotes', (t) => {
  const [syn] = PACKETS;
  if (syn === undefined) throw new Error('the capture is empty');
  const datagram = syn.octets.subarray(14);
  const header = Buffer.from(
    '4500 0038 0000 0000 4001 0000 0a6b0009 0a6b0001'.replaceAll(' ', ''),
    'hex',
  );
  const icmp = Buffer.from('0301 0000 0000 0000'.replaceAll(' ', ''), 'hex');
  const octets = Uint8Array.from([...header, ...icmp, ...datagram.subarray(0, 28)]);
  const error = {
    ...syn,
    number: 2,
    linkType: LinkType.RAW,
    octets,
    originalLength: octets.length,
  };
  const dissector = new Dissector();
  t.is(dissector.add(error).stream, null); // nothing is known of it yet
  dissector.add(syn);
  const dissected = dissector.add(error);
  t.is(dissected.stream, 0);
  t.regex(dissected.line(), /ICMP host 10\.107\.0\.2 unreachable, length 36 — about stream 0$/);
  t.is(dissector.segments, 1);
});

test('RFC 3168 6.1.1: ends agree on ECN by both bits of the SYN and one of the SYN-ACK', (t) => {
  const agreed = (name: string): readonly string[] => {
    const dissector = new Dissector();
    for (const packet of readPackets(readFileSync(`pcaps/${name}.pcap`)).packets) {
      dissector.add(packet);
    }
    return dissector.conversations()[0]?.agreed ?? [];
  };
  t.true(agreed('ecn').includes('ECN'));
  t.true(agreed('ecn-marked').includes('ECN'));
  t.false(agreed('ecn-declined').includes('ECN'));
});
