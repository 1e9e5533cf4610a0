import { once } from 'node:events';

/** Characters that are written at once. */
const BATCH = 64 * 1024;

/**
 * Lines to standard output, as fast as its reader takes them and no faster. A reader that goes away
 * (`| head`) is no failure: then it {@link isBroken}, and what is written goes nowhere.
 */
export class StandardOutput {
  isBroken = false;
  #waiting = '';

  constructor() {
    const onGone = (): void => {
      this.isBroken = true;
    };
    process.stdout.once('error', onGone).once('close', onGone);
  }

  /** Resolves when more may be written. */
  async line(text: string): Promise<void> {
    this.#waiting += `${text}\n`;
    if (this.#waiting.length >= BATCH) await this.flush();
  }

  /** Writes what waits. */
  async flush(): Promise<void> {
    const text = this.#waiting;
    this.#waiting = '';
    if (text === '' || this.isBroken || process.stdout.write(text)) return;
    // an error comes instead of `drain` when the reader goes away
    await once(process.stdout, 'drain').catch(() => {
      this.isBroken = true;
    });
  }
}
