import { createHash } from 'node:crypto';
import test from 'ava';
import { RingPair } from '../sim/ringPair.ts';

const TOTAL = 10 * 2 ** 30;

test('RFC 9293 3.4: 10 GiB wrap the sequence numbers twice, and arrive as they were', (t) => {
  const pair = new RingPair(9000, { sendBuffer: 1 << 22 });
  const { client, server } = pair;
  // its length is no divisor of 2^32
  const cycle = Uint8Array.from({ length: 1_000_003 }, (_, i) => (i * i) >>> 7);
  const into = new Uint8Array(1 << 20);
  const sent = createHash('sha256');
  const came = createHash('sha256');
  let written = 0;
  let received = 0;
  const first = client.tcb.snd.nxt;
  let wraps = 0;
  for (let before = first; received < TOTAL; before = client.tcb.snd.nxt) {
    const from = written % cycle.length;
    const most = Math.min(cycle.length - from, TOTAL - written);
    const octets = most === 0 ? 0 : client.send(cycle, from, most);
    sent.update(cycle.subarray(from, from + octets));
    written += octets;
    if (written === TOTAL) client.close(pair.now);
    pair.turn();
    if (client.tcb.snd.nxt < before) wraps++;
    const count = server.receive(into);
    came.update(into.subarray(0, count));
    received += count;
  }
  t.is(wraps, 2 + (first > 2 ** 31 ? 1 : 0));
  t.is(came.digest('hex'), sent.digest('hex'));
  t.is(pair.retransmitted, 0);
  server.close(pair.now);
  pair.finish();
  t.deepEqual([client.error, server.error], [null, null]);
});
