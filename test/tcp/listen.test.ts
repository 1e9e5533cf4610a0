import test, { type ExecutionContext } from 'ava';
import { SECOND } from '../../src/core/base/time.ts';
import { listening, type Transcript, type TranscriptOptions } from '../harness/transcript.ts';

const SYN = { flags: 'S', mss: 1460 } as const;
const ACK = { flags: '.', seq: 1, ack: 1 } as const;
const NO_TEXT = { flags: '.', text: new Uint8Array(0) } as const;

/** A SYN from another port each time. @returns the ACK that ends the handshake, as a frame */
function open(c: Transcript): Uint8Array {
  c.remotePort++;
  c.receives(SYN);
  c.iss = c.takeSent().seq;
  return c.frame(ACK);
}

/** Sends SYNs from so many ports: what the stack answers is counted. */
function flood(c: Transcript, count: number): number {
  let answers = 0;
  for (let i = 0; i < count; i++) {
    c.remotePort = 1024 + (i % 60_000);
    c.receives(SYN);
    answers += c.unexpected;
    c.skip();
  }
  return answers;
}

function floodedBy(t: ExecutionContext, count: number, options: TranscriptOptions): Transcript {
  const c = listening(t, options);
  t.is(flood(c, count), options.config?.synCookies === 'off' ? (options.backlog ?? 8) : count);
  return c;
}

test('RFC 9293 3.9.1.1: handshakes that end in one turn do not overrun the accept queue', (t) => {
  const c = listening(t, { backlog: 2 });
  c.device.inbox.push(open(c));
  c.turn();
  c.device.inbox.push(open(c), open(c));
  c.turn();
  c.dropped('accept-queue-full');
  const states = [...c.stack.tcp.connections()].map(({ state }) => state);
  t.deepEqual(states.sort(), ['ESTABLISHED', 'ESTABLISHED', 'SYN-RECEIVED']);
  t.truthy(c.listener?.accept());
  t.truthy(c.listener?.accept());
  t.is(c.listener?.accept(), null);
});

test('RFC 9293 3.10.4: who closes the listener when told of a connection hears of no other', (t) => {
  const c = listening(t);
  const acks = [open(c), open(c), open(c)];
  const { listener } = c;
  if (listener === null) return t.fail();
  let told = 0;
  listener.onAcceptable = () => {
    told++;
    c.stack.tcp.closeListener(listener, c.now);
  };
  c.device.inbox.push(...acks);
  c.turn();
  t.is(told, 1);
  t.is(listener.accept(), null);
  t.is(c.unexpected, 3); // one RST each
  c.skip();
  t.is(c.stack.tcp.connectionCount, 0);
});

test('RFC 4987 3: a flood of SYNs takes no more memory than the backlog, and is not amplified', (t) => {
  const c = floodedBy(t, 5000, { backlog: 16 });
  t.is(c.stack.tcp.connectionCount, 16);
  t.is(c.stack.tcp.counters.SyncookiesSent, 5000 - 16);
  c.passes(120 * SECOND);
  t.true(c.unexpected <= 5 * 16);
  c.skip();
  t.is(c.stack.tcp.connectionCount, 0);
});

test('RFC 4987 3.6: during a flood of SYNs an honest client gets in by its cookie', (t) => {
  const c = floodedBy(t, 1000, { backlog: 16 });
  c.remotePort = 50;
  c.receives(SYN);
  c.iss = c.takeSent().seq;
  flood(c, 1000);
  c.remotePort = 50;
  c.receives({ ...ACK, flags: 'P.', len: 100 })
    .dropped(null)
    .skip();
  c.connection = c.listener?.accept() ?? null;
  c.is('ESTABLISHED');
  t.is(c.read().length, 100);
  t.is(c.stack.tcp.counters.SyncookiesRecv, 1);
});

test('RFC 4987 3.6: a flood of ACKs finds no cookie, and is answered by RSTs', (t) => {
  const c = floodedBy(t, 100, { backlog: 16 });
  for (let i = 0; i < 1000; i++) {
    c.remotePort = 1000 - (i % 900);
    c.receives({ ...NO_TEXT, seq: i * 7919, ack: i * 104_729 }).dropped('bad-syn-cookie');
    c.sends({ flags: 'R', seq: i * 104_729, reason: 'reset' });
  }
  t.is(c.listener?.accept(), null);
  t.is(c.stack.tcp.counters.SyncookiesFailed, 1000);
});

test('Linux tcp_syncookies 0: during a flood SYNs beyond the backlog are dropped', (t) => {
  const c = floodedBy(t, 1000, { backlog: 16, config: { synCookies: 'off' } });
  t.is(c.stack.tcp.counters.TCPReqQFullDrop, 1000 - 16);
  c.receives(ACK).dropped('listen-ack').sends({ flags: 'R' });
});

test('Linux reqsk_timer_handler: old half-open connections make room for young ones', (t) => {
  const few = listening(t, { backlog: 64 });
  flood(few, 4);
  few.passes(40 * SECOND);
  t.is(few.unexpected, 4 * 5); // synAckRetries
  few.skip();
  const many = listening(t, { backlog: 64 });
  flood(many, 64);
  many.passes(40 * SECOND);
  t.true(many.unexpected < 64 * 3);
  many.skip();
});

test('Linux tcp_syncookies 2: no connection is half open', (t) => {
  const c = listening(t, { config: { synCookies: 'always' } });
  flood(c, 100);
  t.is(c.stack.tcp.connectionCount, 0);
});
