import { type Micros, NEVER, SECOND } from '../../base/time.ts';
import type { ScriptEvent } from '../ast.ts';
import type { Settings } from './settings.ts';

/** How long a packet is waited for behind the time at which it is expected. */
const PATIENCE: Micros = 2 * SECOND;

type Tolerance = Pick<Settings, 'toleranceMicros' | 'tolerancePercent'>;

/**
 * When the events of a script happen: absolute times count from its start, relative ones from the
 * moment at which the event before was done, or, between two packets of the script, from the time at
 * which the first of them was due.
 */
export class Schedule {
  /** When the script began. */
  readonly origin: Micros;
  readonly #settings: Tolerance;
  #previous: ScriptEvent | null = null;
  #previousTime: Micros;
  #event: ScriptEvent | null = null;
  #reference: Micros;
  #start: Micros;
  #end: Micros;

  constructor(origin: Micros, settings: Tolerance) {
    this.origin = origin;
    this.#settings = settings;
    this.#previousTime = origin;
    this.#reference = origin;
    this.#start = origin;
    this.#end = origin;
  }

  /** An event is reached. */
  begin(event: ScriptEvent, now: Micros): void {
    this.#event = event;
    const follows = isInbound(event) && this.#previous !== null && isInbound(this.#previous);
    this.#reference = follows ? this.#previousTime : now;
    const { time } = event;
    switch (time.kind) {
      case 'absolute':
        this.#start = this.origin + time.at;
        this.#end = this.#start;
        return;
      case 'relative':
        this.#start = this.#reference + time.at;
        this.#end = this.#start;
        return;
      case 'any':
        this.#start = now;
        this.#end = NEVER;
        return;
      case 'absolute-range':
        this.#start = this.origin + time.from;
        this.#end = this.origin + time.to;
        return;
      case 'relative-range':
        this.#start = this.#reference + time.from;
        this.#end = this.#reference + time.to;
    }
  }

  /** The event is done. */
  end(now: Micros): void {
    this.#previous = this.#event;
    this.#previousTime = this.#event?.time.kind === 'any' ? now : this.#start;
  }

  /** When the event is due. */
  get start(): Micros {
    return this.#start;
  }

  /** Until when a packet is waited for. */
  get receiveLimit(): Micros {
    return this.#end === NEVER ? NEVER : this.#end + PATIENCE;
  }

  /** When a blocking call must return. @param until as the script writes it */
  endOfCall({ time }: ScriptEvent, until: Micros): Micros {
    return (time.kind === 'absolute' ? this.origin : this.#reference) + until;
  }

  /** Why an event that starts now is not on time; null: it is. */
  lateness(now: Micros): string | null {
    if (this.#previous === null) return null;
    const late = now - this.#start;
    if (Math.abs(late) <= this.#tolerance(this.#start - this.#previousTime)) return null;
    return `it is ${seconds(now - this.origin)}: too late for an event at ${this.#when()}`;
  }

  /** Why a packet that was sent then is not on time; null: it is. */
  sentLateness(at: Micros): string | null {
    if (this.#event?.time.kind === 'any') return null;
    const tolerance = this.#tolerance(this.#start - this.#previousTime);
    if (at >= this.#start - tolerance && at <= this.#end + tolerance) return null;
    const word = at < this.#start ? 'early' : 'late';
    return `it was sent at ${seconds(at - this.origin)}, too ${word}: expected at ${this.#when()}`;
  }

  /** Why a blocking call that returned then is not on time; null: it is. */
  callLateness(started: Micros, until: Micros, endedAt: Micros): string | null {
    const tolerance = this.#tolerance(until - started);
    if (Math.abs(endedAt - until) <= tolerance) return null;
    const [got, want] = [seconds(endedAt - this.origin), seconds(until - this.origin)];
    return `returned at ${got}, not at ${want}`;
  }

  #tolerance(gap: Micros): Micros {
    const { toleranceMicros, tolerancePercent } = this.#settings;
    return Math.max(toleranceMicros, (tolerancePercent / 100) * gap);
  }

  #when(): string {
    const [from, to] = [seconds(this.#start - this.origin), seconds(this.#end - this.origin)];
    return from === to ? from : `${from} to ${to}`;
  }
}

function isInbound({ action }: ScriptEvent): boolean {
  return (action.kind === 'tcp' || action.kind === 'icmp') && action.direction === 'inbound';
}

function seconds(time: Micros): string {
  return `${(time / SECOND).toFixed(6)} s`;
}
