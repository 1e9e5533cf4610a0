import type { PacketBuffer } from '../base/packetBuffer.ts';
import { Xoshiro128 } from '../base/random.ts';
import type { DropReason, SendReason } from '../base/reasons.ts';
import { add, diff, lt, max, type Seq, seq } from '../base/seq.ts';
import { type Micros, MS, NEVER, SECOND } from '../base/time.ts';
import type { Tracer } from '../base/tracer.ts';
import { VirtualClock } from '../base/virtualClock.ts';
import type { CapturedSegment } from '../capture/capturedSegment.ts';
import { parseSegment } from '../capture/parseSegment.ts';
import { Stack } from '../stack/stack.ts';
import { Flag } from '../wire/tcp.ts';
import { OWN_ADDRESS, PEER_ADDRESS, PREFIX_LENGTH } from './addresses.ts';
import { Application } from './application.ts';
import { backlogs } from './backlog.ts';
import { recordedFastOpen } from './fastOpen.ts';
import { errorFrame, segmentFrame, synFrame } from './feed.ts';
import { AT_ONCE } from './inferred.ts';
import { endOf, hasAck, isReset, lengthOf } from './numbers.ts';
import { OwnText } from './ownText.ts';
import type { Part, PartEvent } from './part.ts';
import type { Script } from './script.ts';
import { StageDevice } from './stageDevice.ts';
import { TimerLengths } from './timerLengths.ts';
import { Echoes } from './timestamps.ts';
import { JIFFY, lateness } from './tolerance.ts';

/** A segment that our stack sent, and why. */
export interface Sent {
  readonly at: Micros;
  readonly segment: CapturedSegment;
  readonly reason: SendReason;
}

/** Something of the recording that was played to our stack, and what that made of it. */
export interface Played {
  readonly at: Micros;
  readonly event: PartEvent;
  readonly drop: DropReason | null;
}

/** Something that whoever reads the result should know. */
export interface Note {
  readonly at: Micros;
  readonly text: string;
}

/** What happened on the stage. */
export interface Outcome {
  readonly sent: readonly Sent[];
  readonly played: readonly Played[];
  readonly notes: readonly Note[];
  /** The recording stopped to mean anything to our stack: when, and why; null: it did not. */
  readonly stopped: Note | null;
}

/** The peer's answer to what our stack has not sent yet waits for that so long at most. */
const PATIENCE: Micros = 1 * SECOND;
/** How long it may go on behind the end of the recording: for what is late. */
const EPILOGUE: Micros = 250 * MS;
const MAX_TURNS = 10_000;
const MAX_STEPS = 5_000_000;
const MAX_NOTES = 100;
/** Segments that our stack may send more than were recorded: as a factor, and besides. */
const MAX_FACTOR = 4;
const MAX_MORE = 2000;
const SEED = 1;
/** As many frames as a turn takes. */
const MAX_BATCH = 64;
/** How late a timer of high resolution may be that sends text: on a busy machine. */
const PACE_LATENESS: Micros = 500;
/** From the last thing that a call sends to its return. */
const RETURN: Micros = 150;

/**
 * Lets our stack play the part of the recorded end: the peer's segments arrive when they did, the
 * application does what it did, and what the stack sends is written down. Time is virtual.
 *
 * Three things are done for the recorded host's sake: its timers were late by up to
 * {@link lateness}, so ours wait that long for the segment that was recorded; an answer to what our
 * stack has not said yet waits until it has; and timestamps that the peer echoes are those that our
 * stack really sent.
 */
export class Player implements Tracer {
  readonly #part: Part;
  readonly #script: Script;
  readonly #clock: VirtualClock;
  readonly #stack: Stack;
  readonly #device: StageDevice;
  readonly #application: Application;
  readonly #echoes: Echoes;
  readonly #sent: Sent[] = [];
  readonly #played: Played[] = [];
  readonly #notes: Note[] = [];
  readonly #ownTimes: OwnTimes;
  readonly #feeds: readonly Feed[];
  #nextFeed = 0;
  /** The number behind all that our stack has sent, and behind what was waited for in vain. */
  #sentTo: Seq;
  #missedTo: Seq;
  readonly #lastAt: Micros;
  readonly #lengths = new TimerLengths();
  #handshakeAt: Micros;
  #drops: (DropReason | null)[] = [];
  #stopped: Note | null = null;
  #woken = false;

  constructor(part: Part, script: Script) {
    this.#part = part;
    this.#script = script;
    this.#sentTo = part.iss;
    this.#missedTo = part.iss;
    this.#lastAt = part.events.at(-1)?.at ?? 0;
    this.#ownTimes = ownTimesOf(part);
    this.#feeds = feedsOf(part);
    const firstAt = part.events[0]?.at ?? 0;
    this.#handshakeAt = part.isMidway || part.lacksSyn ? firstAt - MS : NEVER;
    const start = Math.min(firstAt, ...script.calls.slice(0, 1).map((c) => c.at)) - SECOND;
    this.#clock = new VirtualClock(Math.floor(start));
    this.#device = new StageDevice('replay', script.mtu);
    const fastOpen = recordedFastOpen(part);
    const numbers = {
      isn: () => part.iss,
      timestampOffset: () => script.timestampOffset,
      fastOpenCookie: fastOpen.given,
    };
    this.#stack = new Stack({ random: new Xoshiro128(SEED), tracer: this, numbers });
    this.#stack.wake = () => {
      this.#woken = true;
    };
    this.#echoes = new Echoes(part, script.timestampOffset);
    const cidr = { address: OWN_ADDRESS, prefixLength: PREFIX_LENGTH };
    this.#stack.addInterface(this.#device, cidr, null, this.#now);
    if (fastOpen.server !== null) {
      this.#stack.tcp.rememberServer({ local: OWN_ADDRESS, remote: PEER_ADDRESS }, fastOpen.server);
    }
    this.#application = new Application({
      stack: this.#stack,
      calls: script.calls,
      text: new OwnText(part),
      config: script.config,
      fastOpen: fastOpen.isAsked,
      ownPort: part.own.port,
      peerPort: part.peer.port,
      tell: (text, at) => this.#tell(text, at),
    });
    this.#stack.mayExpire = (now) => now >= this.#timersAt();
  }

  /** Plays it to its end. */
  play(): Outcome {
    this.#settle(); // the neighbours learn our address
    for (let steps = 0; this.#stopped === null; steps++) {
      const next = this.#next();
      if (next > this.#lastAt + EPILOGUE) break;
      this.#clock.advanceTo(Math.max(next, this.#now));
      this.#step();
      if (steps > MAX_STEPS) this.#stop('it does not come to an end');
    }
    return {
      sent: this.#sent,
      played: this.#played,
      notes: this.#notes,
      stopped: this.#stopped,
    };
  }

  // ---- the tracer ---------------------------------------------------------------------------

  sent(packet: PacketBuffer, reason: SendReason, now: Micros): void {
    const octets = packet.frame().slice();
    const captured = {
      number: this.#sent.length + 1,
      time: now,
      nanos: 0,
      linkType: 1,
      octets,
      originalLength: octets.length,
      comments: [],
    };
    const segment = parseSegment(captured);
    if (segment === null) return;
    const { own, peer } = this.#part;
    this.#sentTo = max(this.#sentTo, endOf(segment));
    if (isReset(segment) && segment.seq === 0) return void this.#note(segment, reason, now);
    this.#echoes.onSent(segment);
    this.#note({ ...segment, source: own.address, destination: peer.address }, reason, now);
  }

  received(_packet: PacketBuffer, drop: DropReason | null): void {
    this.#drops.push(drop);
  }

  unsent(_packet: PacketBuffer, drop: DropReason, now: Micros): void {
    this.#tell(`this stack could not send: ${drop}`, now);
  }

  transition(): void {}

  #note(segment: CapturedSegment, reason: SendReason, now: Micros): void {
    const { own, peer } = this.#part;
    const shown = { ...segment, source: own.address, destination: peer.address };
    if (this.#handshakeAt === NEVER) this.#sent.push({ at: now, segment: shown, reason });
    const most = this.#ownTimes.all.length * MAX_FACTOR + MAX_MORE;
    if (this.#sent.length > most) this.#stop(`this stack has sent more than ${most} segments`);
  }

  // ---- time ---------------------------------------------------------------------------------

  get #now(): Micros {
    return this.#clock.now();
  }

  #next(): Micros {
    return Math.min(this.#feedAt(), this.#application.next(), this.#timersAt(), this.#handshakeAt);
  }

  /**
   * When the timers of our stack are looked at. The recorded host's were late; if it sent something
   * when ours are due, or not much later, they are as late.
   */
  #timersAt(): Micros {
    const due = this.#stack.nextDeadline();
    if (due === NEVER) return NEVER;
    const { byItself, all } = this.#ownTimes;
    if (this.#lengths.isPace(due)) return this.#pacedAt(due);
    const timed = byItself[firstFrom(byItself, due)] ?? NEVER;
    if (timed - due <= lateness(this.#lengths.of(due))) return timed;
    const next = all[firstFrom(all, due)] ?? NEVER;
    return next - due <= JIFFY ? next : due;
  }

  /** The recorded host's pace was late by no more than it takes to run. */
  #pacedAt(due: Micros): Micros {
    const { all } = this.#ownTimes;
    const next = all[firstFrom(all, due)] ?? NEVER;
    return next - due <= PACE_LATENESS ? next : due;
  }

  /** When the next segment of the peer may arrive. */
  #feedAt(): Micros {
    const feed = this.#feeds[this.#nextFeed];
    if (feed === undefined) return NEVER;
    if (!this.#isAnsweredEarly(feed)) return feed.at;
    // who has waited in vain does not wait for long again, and nobody waits beyond the end
    const patience = lt(this.#sentTo, this.#missedTo) ? JIFFY : PATIENCE;
    return Math.max(feed.at, Math.min(feed.at + patience, this.#lastAt));
  }

  /** Does it acknowledge what the recorded end had sent by then, and our stack has not? */
  #isAnsweredEarly({ event, sentBefore }: Feed): boolean {
    if (event.from !== 'peer' || !hasAck(event.segment)) return false;
    const ack = seq(event.segment.ack);
    return lt(this.#sentTo, ack) && !lt(sentBefore, ack);
  }

  // ---- what happens -------------------------------------------------------------------------

  #step(): void {
    const feed = this.#feeds[this.#nextFeed];
    if (this.#handshakeAt <= this.#now) this.#makeUpHandshake();
    else if (feed !== undefined && this.#feedAt() <= this.#now) {
      this.#feedAll(feed.at);
    } else if (this.#application.next() <= this.#now) this.#application.run(this.#now);
    this.#settle();
    this.#application.run(this.#now);
    this.#settle();
  }

  /** The next one, and what comes out of the backlog with it. */
  #feedAll(at: Micros): void {
    const batch: Feed[] = [];
    for (let feed = this.#feeds[this.#nextFeed]; feed?.at === at; ) {
      if (batch.length === MAX_BATCH || this.#isOver(feed.event)) break;
      if (batch.length > 0 && (!feed.isWaiting || this.#isAnsweredEarly(feed))) break;
      this.#nextFeed++;
      const frame = this.#frameOf(feed);
      if (frame !== null) this.#device.put(frame);
      batch.push(feed);
      feed = this.#feeds[this.#nextFeed];
    }
    this.#drops = [];
    if (batch.length > 1) this.#takeIn(batch);
    this.#settle();
    batch.forEach(({ event }, i) => {
      this.#played.push({ at: this.#now, event, drop: this.#drops[i] ?? null });
    });
  }

  /** What comes out of a backlog is read before it is answered, if a read was waiting for it. */
  #takeIn(batch: readonly Feed[]): void {
    const answeredAt = batch.at(-1)?.answeredAt ?? this.#now;
    this.#device.writable = false;
    this.#stack.turn(this.#now);
    this.#application.readAhead(this.#now, answeredAt + RETURN);
    this.#device.writable = true;
    this.#woken = true;
  }

  #frameOf(feed: Feed): Uint8Array | null {
    const { event } = feed;
    if (event.from === 'network') return errorFrame(event.error, this.#part.peer.address);
    if (event.from === 'own' || event.isLost) return null;
    const { segment } = event;
    const late = this.#now - feed.at;
    if (late > JIFFY && !lt(this.#sentTo, this.#missedTo)) {
      this.#tell(
        `packet ${segment.number} answers what this stack sent later: it waited ${late / MS} ms`,
        this.#now,
      );
    }
    const echo = this.#echoes.echoFor(segment, this.#now);
    return segmentFrame(segment, { ack: this.#ackFor(segment, feed), echo });
  }

  /** SEG.ACK: of what our stack has not sent although it was waited for, no more than it has. */
  #ackFor(segment: CapturedSegment, feed: Feed): number {
    const ack = seq(segment.ack);
    if (!this.#isAnsweredEarly(feed)) return ack;
    const isKnown = !lt(this.#missedTo, ack);
    this.#missedTo = max(this.#missedTo, ack);
    if (isKnown) return this.#sentTo;
    const missing = diff(ack, this.#sentTo);
    this.#tell(
      `packet ${segment.number} acknowledges ${missing} octets that this stack has not sent: ` +
        'it is played as if it acknowledged what was sent',
      this.#now,
    );
    return this.#sentTo;
  }

  /** Has our connection ended while the recorded one goes on? Then the rest means nothing to it. */
  #isOver(event: PartEvent): boolean {
    const { connection } = this.#application;
    if (connection === null || connection.state !== 'CLOSED') return false;
    const next = this.#part.events.find(
      (e) => e.from === 'own' && e.at >= event.at && e.at > this.#now,
    );
    if (next === undefined || next.from !== 'own' || isReset(next.segment)) return false;
    const why = connection.error === null ? 'normally' : `with ${connection.error}`;
    this.#stop(`the connection of this stack has ended ${why}; the recorded one goes on`);
    return true;
  }

  #makeUpHandshake(): void {
    this.#handshakeAt = NEVER;
    const { iss, irs, own, peer, isMidway } = this.#part;
    const syn = {
      flags: isMidway ? Flag.SYN | Flag.ACK : Flag.SYN,
      seq: irs,
      ack: isMidway ? add(iss, 1) : 0,
      sourcePort: peer.port,
      destinationPort: own.port,
      ...this.#script.madeUp,
    };
    this.#device.put(synFrame(syn));
    this.#settle();
    if (isMidway) this.#sent.length = 0;
  }

  #settle(): void {
    for (let turns = 0; turns < MAX_TURNS; turns++) {
      this.#woken = false;
      const more = this.#stack.turn(this.#now);
      this.#application.run(this.#now);
      for (const { tcb } of this.#stack.tcp.connections()) {
        this.#lengths.note(tcb.deadlines, this.#now);
      }
      if (!more && !this.#woken) return;
    }
    this.#stop('this stack does not come to rest');
  }

  #tell(text: string, at: Micros): void {
    if (this.#notes.length < MAX_NOTES) this.#notes.push({ at, text });
  }

  #stop(text: string): void {
    this.#stopped ??= { at: this.#now, text };
  }
}

/** Something that is played. */
interface Feed {
  readonly event: PartEvent;
  /** When: later than it arrived, if it waited in a backlog. */
  readonly at: Micros;
  readonly isWaiting: boolean;
  /** When the recorded end next sent something. */
  readonly answeredAt: Micros;
  /** The number behind all that the recorded end had sent before. */
  readonly sentBefore: Seq;
}

function feedsOf(part: Part): Feed[] {
  const { events, own } = part;
  const feeds: Feed[] = [];
  const lasts = backlogs(events);
  let sentBefore = part.iss;
  events.forEach((event, i) => {
    if (event.from === 'own') {
      if (lengthOf(event.segment) > 0) sentBefore = max(sentBefore, endOf(event.segment));
      return;
    }
    if (event.from === 'network' && event.error.quoted.source !== own.address) return;
    const at = events[lasts[i] ?? i]?.at ?? event.at;
    const isWaiting = lasts[i] !== i || lasts[i - 1] === i;
    const answeredAt = events[(lasts[i] ?? i) + 1]?.at ?? at;
    feeds.push({ event, at, isWaiting, answeredAt, sentBefore });
  });
  return feeds;
}

/** When the recorded end sent, in order: at all, and what no segment of the peer had asked for. */
interface OwnTimes {
  readonly all: readonly Micros[];
  readonly byItself: readonly Micros[];
}

function ownTimesOf(part: Part): OwnTimes {
  const all: Micros[] = [];
  const byItself: Micros[] = [];
  let heardAt: Micros = -NEVER;
  for (const { from, at } of part.events) {
    if (from !== 'own') heardAt = at;
    else {
      all.push(at);
      if (at - heardAt > AT_ONCE) byItself.push(at);
    }
  }
  return { all, byItself };
}

/** Index of the first time that is not before `at`. */
function firstFrom(times: readonly Micros[], at: Micros): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? NEVER) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}
