import test from 'ava';
import { ANY_ADDRESS } from '../../src/core/base/address.ts';
import { DEFAULT_CONFIG } from '../../src/core/tcp/config.ts';
import { type Acceptable, Listener } from '../../src/core/tcp/listen/listener.ts';
import { Flag, Segment } from '../../src/core/wire/tcp.ts';

function listener(backlog: number): Listener<Acceptable> {
  return new Listener<Acceptable>(ANY_ADDRESS, 80, backlog, DEFAULT_CONFIG);
}

function segment(flags: number): Segment {
  const seg = new Segment();
  seg.flags = flags;
  return seg;
}

test('RFC 9293 3.10.7.2: first RST, then ACK, then SYN', (t) => {
  const l = listener(1);
  const { SYN, ACK, RST, FIN, PSH } = Flag;
  for (const flags of [RST, RST | ACK, RST | SYN, RST | SYN | ACK]) {
    t.is(l.segmentArrives(segment(flags)), 'listen-rst');
  }
  for (const flags of [ACK, ACK | SYN, ACK | FIN]) {
    t.is(l.segmentArrives(segment(flags)), 'listen-ack');
  }
  for (const flags of [0, FIN, PSH]) t.is(l.segmentArrives(segment(flags)), 'listen-no-syn');
  for (const flags of [SYN, SYN | FIN, SYN | PSH]) t.is(l.segmentArrives(segment(flags)), null);
});

test('RFC 9293 3.10.7.2: half-open connections up to the backlog, and none when the queue is full', (t) => {
  const l = listener(2);
  const syn = segment(Flag.SYN);
  l.halfOpen = 1;
  t.is(l.segmentArrives(syn), null);
  l.halfOpen = 2;
  t.is(l.segmentArrives(syn), 'syn-queue-full');
  l.halfOpen = 0;
  l.enqueue({ listener: l });
  t.is(l.segmentArrives(syn), null);
  l.enqueue({ listener: l });
  t.is(l.segmentArrives(syn), 'accept-queue-full');
  l.accept();
  t.is(l.segmentArrives(syn), null);
});

test('RFC 9293 3.9.1.1: connections are accepted in the order in which they were opened', (t) => {
  const l = listener(3);
  t.is(l.accept(), null);
  const opened: Acceptable[] = [{ listener: l }, { listener: l }, { listener: l }];
  for (const connection of opened) l.enqueue(connection);
  t.false(l.hasRoom);
  for (const connection of opened) {
    t.is(l.accept(), connection);
    t.is(connection.listener, null);
  }
  t.true(l.hasRoom);
  t.is(l.accept(), null);
});
