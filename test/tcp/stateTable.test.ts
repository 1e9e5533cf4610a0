import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { diff } from '../../src/core/base/seq.ts';
import { SECOND } from '../../src/core/base/time.ts';
import { DELAYED_ACK } from '../../src/core/tcp/config.ts';
import type { Connection } from '../../src/core/tcp/connection.ts';
import { Flag } from '../../src/core/wire/tcp.ts';
import { established, listening, opening, pattern, Transcript } from '../harness/transcript.ts';

// stateTable.txt says which answer every segment gets in every state. It is written from the RFC, not
// from what the code does.

/** A column of the table: how to get into the state that it names. */
type Column = (t: ExecutionContext) => Transcript;

const config = { earlyRetransmit: 0 }; // no probe meanwhile

const COLUMNS: Readonly<Record<string, Column>> = {
  CD: (t) => new Transcript(t, { config }, SECOND),
  LI: (t) => listening(t, { config }),
  SS: (t) => opening(t, { config }).sends({ flags: 'S' }),
  'SR passive': (t) => {
    const c = listening(t, { config }).receives({ flags: 'S', mss: 1460 }).sends({ flags: 'S.' });
    c.connection = first(c);
    return c.is('SYN-RECEIVED');
  },
  'SR active': (t) =>
    opening(t, { config })
      .sends({ flags: 'S' })
      .receives({ flags: 'S', seq: 0, mss: 1460 })
      .sends({ flags: 'S.' })
      .is('SYN-RECEIVED'),
  ES: (t) => writing(used(t)).is('ESTABLISHED'),
  F1: (t) => closing(used(t)).is('FIN-WAIT-1'),
  F2: (t) => closing(used(t)).receives({ seq: 1001, ack: 12 }).is('FIN-WAIT-2'),
  CW: (t) => writing(closedByPeer(used(t), 11)).is('CLOSE-WAIT'),
  CL: (t) => closedByPeer(closing(used(t)), 11).is('CLOSING'),
  LA: (t) => closing(closedByPeer(used(t), 11)).is('LAST-ACK'),
  TW: (t) => closedByPeer(closing(used(t)), 12).is('TIME-WAIT'),
};

/** 1000 octets have arrived and were read, 10 were sent and acknowledged. */
function used(t: ExecutionContext): Transcript {
  const c = established(t, { config });
  c.receives({ seq: 1, ack: 1, len: 1000 }).sends({ ack: 1001 });
  c.read();
  c.user((user) => user.send(pattern(0, 10))).sends({ seq: 1, len: 10 });
  return c.receives({ seq: 1001, ack: 11 });
}

const writing = (c: Transcript): Transcript =>
  c.user((user) => user.send(pattern(0, 10))).sends({ seq: 11, len: 10 });
const closing = (c: Transcript): Transcript =>
  c.user((user, now) => user.close(now)).sends({ flags: 'F.', seq: 11 });
function closedByPeer(c: Transcript, ack: number): Transcript {
  c.receives({ flags: 'F.', seq: 1001, ack });
  if (c.unexpected === 0) c.passes(DELAYED_ACK);
  return c.sends({ flags: '.', ack: 1002 });
}

// ---- the text ----------------------------------------------------------------------------------

interface Row {
  readonly flags: string;
  readonly seq: string;
  readonly ack: string;
  readonly len: number;
  /** What each column expects. */
  readonly cells: ReadonlyMap<string, string>;
}

function readTable(text: string): Row[] {
  const rows: Row[] = [];
  let columns: string[] = [];
  for (const line of text.split('\n')) {
    const cells = line.split('|').map((cell) => cell.replace(/\[.\]/, '').trim());
    const [flags = '', seq = '', ack = '', len = '', ...answers] = cells;
    if (flags === 'flags') columns = answers;
    else if (answers.length > 0) {
      if (answers.length !== columns.length) throw new Error(`a cell is missing: ${line}`);
      const of = new Map(columns.map((column, i) => [column, answers[i] ?? '']));
      rows.push({ flags, seq, ack, len: Number(len), cells: of });
    }
  }
  return rows;
}

const LETTERS: Readonly<Record<string, string>> = { SYN: 'S', FIN: 'F', RST: 'R', ACK: '.' };
const lettersOf = (names: string): string =>
  names
    .split(',')
    .map((name) => LETTERS[name] ?? '')
    .join('');

/** `RCV.NXT+10`, relative to IRS or ISS. */
function numberOf(expression: string, c: Transcript): number {
  const [, name = '', offset = '0'] = /^([A-Z.]+)([+-]\d+)?$/.exec(expression) ?? [];
  return baseOf(name, c) + Number(offset);
}

function baseOf(name: string, c: Transcript): number {
  if (name === 'ISS' || name === 'IRS') return 0;
  const { snd, rcv } = c.established.tcb;
  switch (name) {
    case 'SND.UNA':
      return diff(snd.una, c.iss);
    case 'SND.NXT':
      return diff(snd.nxt, c.iss);
    case 'OLDEST':
      return diff(snd.una, c.iss) - snd.maxWnd;
    case 'RCV.NXT':
      return diff(rcv.nxt, c.irs);
    case 'EDGE':
      return diff(rcv.nxt, c.irs) + rcv.wnd;
    default:
      throw new Error(`what is ${name}?`);
  }
}

// ---- what happens ------------------------------------------------------------------------------

const SHORT: Readonly<Record<Connection['state'], string>> = {
  CLOSED: 'CD',
  LISTEN: 'LI',
  'SYN-SENT': 'SS',
  'SYN-RECEIVED': 'SR',
  ESTABLISHED: 'ES',
  'FIN-WAIT-1': 'F1',
  'FIN-WAIT-2': 'F2',
  'CLOSE-WAIT': 'CW',
  CLOSING: 'CL',
  'LAST-ACK': 'LA',
  'TIME-WAIT': 'TW',
};

function first(c: Transcript): Connection | null {
  for (const connection of c.stack.tcp.connections()) return connection;
  return null;
}

/** The cell as the stack fills it. */
function play(c: Transcript, row: Row, column: string): string {
  const seq = numberOf(row.seq, c);
  const ack = row.ack === '' ? 0 : numberOf(row.ack, c);
  const flags = lettersOf(row.flags);
  const asks = flags.includes('S');
  const end = seq + row.len + (asks ? 1 : 0) + (flags.includes('F') ? 1 : 0);
  const wanted = { seq, ack, end, sndNxt: 1, rcvNxt: 1 };
  if (c.connection !== null && column !== 'SS') {
    wanted.sndNxt = numberOf('SND.NXT', c);
    wanted.rcvNxt = numberOf('RCV.NXT', c);
  }
  c.receives({ flags, seq, ack, len: row.len, mss: asks ? 1460 : 0 });
  // in SYN-SENT no ACK can wait, and a wrong one lets Linux repeat the SYN soon
  if (c.unexpected === 0 && column !== 'SS') c.passes(DELAYED_ACK);
  const answer = answerOf(c, wanted);
  const listens = column === 'LI' || column === 'SR passive';
  const next = SHORT[first(c)?.state ?? (listens ? 'LISTEN' : 'CLOSED')];
  return next === column.slice(0, 2) ? answer : `${answer} >${next}`;
}

/** What the segment was, and where the connection stood before. */
interface Wanted {
  readonly seq: number;
  readonly ack: number;
  readonly end: number;
  sndNxt: number;
  rcvNxt: number;
}

function answerOf(c: Transcript, { seq, ack, end, sndNxt, rcvNxt }: Wanted): string {
  if (c.unexpected === 0) return '-';
  const sent = c.takeSent();
  const mine = diff(sent.seq, c.iss);
  const yours = diff(sent.ack, c.irs);
  const is = (flags: number, ...conditions: boolean[]): boolean =>
    sent.flags === flags && c.unexpected === 0 && conditions.every((holds) => holds);
  if (is(Flag.RST, mine === ack)) return 'RST';
  if (is(Flag.RST | Flag.ACK, sent.seq === 0, yours === end)) return 'RST-ACK';
  if (is(Flag.SYN | Flag.ACK, yours === seq + 1)) return 'SYN-ACK';
  if (is(Flag.ACK, mine === sndNxt, yours === rcvNxt)) return 'ACK';
  if (is(Flag.ACK, mine === sndNxt)) return `ACK+${yours - rcvNxt}`;
  return `flags ${sent.flags} seq ${mine} ack ${yours}, ${c.unexpected} more`;
}

// ------------------------------------------------------------------------------------------------

const ROWS = readTable(readFileSync(new URL('stateTable.txt', import.meta.url), 'utf8'));

for (const [column, enter] of Object.entries(COLUMNS)) {
  test(`RFC 9293 3.10.7, RFC 5961 3: what each segment does in ${column}`, (t) => {
    const rows = ROWS.filter(({ cells }) => cells.has(column));
    t.true(rows.length > 20);
    const wrong: string[] = [];
    for (const row of rows) {
      const actual = play(enter(t), row, column);
      const wanted = row.cells.get(column);
      const what = `${row.flags || 'no flag'} at ${row.seq}, ack ${row.ack}, ${row.len} octets`;
      if (actual !== wanted) wrong.push(`${what}: ${actual}, the table says ${wanted}`);
    }
    t.deepEqual(wrong, []);
  });
}
