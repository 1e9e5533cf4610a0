import { performance } from 'node:perf_hooks';
import { messageOf } from '../../node/devices/deviceError.ts';
import { Skipped } from './peer.ts';

const MEBIBYTE = 2 ** 20;
/** How often a transfer is looked at. */
const LOOK_EVERY_MS = 50;
/** Off a terminal there is a line whenever so much more has been done. */
const PERCENT_PER_LINE = 25;
/** A step that takes longer has failed. */
const TIME_LIMIT_MS = 120_000;
const CLEAR_LINE = '\r\x1b[K';

/** What came of a step. */
export interface Outcome {
  readonly step: number;
  readonly title: string;
  readonly state: 'ok' | 'failed' | 'skipped';
  /** What was found, or why it failed or was skipped. */
  readonly detail: string;
  readonly milliseconds: number;
}

/** A transfer that takes long. */
export interface Progress {
  readonly octets: number;
  /** Octets until now. */
  done(): number;
}

/** Tells on standard output what happens as it happens. */
export class Report {
  readonly outcomes: Outcome[] = [];
  readonly #isTerminal = process.stdout.isTTY === true;
  #isStopped = false;

  /** The demo was interrupted. */
  stop(): void {
    this.#isStopped = true;
  }

  line(text = ''): void {
    process.stdout.write(`${text}\n`);
  }

  /**
   * Runs a step to its end, however it ends; none begins or is told of after {@link stop}.
   * @param body returns what it found
   */
  async step(title: string, body: () => Promise<string>, progress?: Progress): Promise<void> {
    if (this.#isStopped) return;
    const step = this.outcomes.length + 1;
    this.line(`${step}. ${title}`);
    const from = performance.now();
    const stop = progress === undefined ? () => {} : this.#show(progress);
    let state: Outcome['state'] = 'ok';
    let detail: string;
    try {
      detail = await inTime(body());
    } catch (error) {
      state = error instanceof Skipped ? 'skipped' : 'failed';
      detail = messageOf(error);
    } finally {
      stop();
    }
    if (this.#isStopped) return;
    const milliseconds = Math.round(performance.now() - from);
    this.outcomes.push({ step, title, state, detail, milliseconds });
    this.line(`   ${state}: ${detail} (${milliseconds} ms)`);
  }

  /** @returns what ends it */
  #show({ octets, done }: Progress): () => void {
    let shown = 0;
    const look = (): void => {
      const percent = Math.floor((100 * Math.min(done(), octets)) / octets);
      const text = `   ${percent} % of ${octets / MEBIBYTE} MiB`;
      if (this.#isTerminal) process.stdout.write(`${CLEAR_LINE}${text}`);
      else if (percent >= shown + PERCENT_PER_LINE) this.line(text);
      else return;
      shown = percent - (percent % PERCENT_PER_LINE);
    };
    const timer = setInterval(look, LOOK_EVERY_MS);
    return () => {
      clearInterval(timer);
      if (this.#isTerminal) process.stdout.write(CLEAR_LINE);
    };
  }
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const message = `not done after ${TIME_LIMIT_MS / 1000} s`;
    timer = setTimeout(() => reject(new Error(message)), TIME_LIMIT_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
