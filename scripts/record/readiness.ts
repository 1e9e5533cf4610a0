import koffi from 'koffi';

/** What a descriptor may be ready for. */
export type Readiness = 'readable' | 'writable';

/** Lets programs wait for one descriptor, which libuv watches only while somebody does. */
export class ReadyWatch {
  readonly #fd: number;
  readonly #waiting: Record<Readiness, (() => void)[]> = { readable: [], writable: [] };
  #handle: ReturnType<typeof koffi.node.poll> | null = null;
  #closed = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Ends when the descriptor is ready, also by an error. @throws Error if it is closed before */
  async until(what: Readiness): Promise<void> {
    const ready = new Promise<void>((resolve) => this.#waiting[what].push(resolve));
    this.#watch();
    await ready;
    if (this.#closed) throw new Error('the socket was closed under a call that waits');
  }

  close(): void {
    this.#closed = true;
    this.#handle?.close();
    this.#handle = null;
    this.#tell('readable');
    this.#tell('writable');
  }

  #watch(): void {
    if (this.#closed) return;
    const { readable, writable } = this.#waiting;
    const wanted = { readable: readable.length > 0, writable: writable.length > 0 };
    if (this.#handle === null) this.#handle = koffi.node.poll(this.#fd, wanted, this.#onPoll);
    else if (wanted.readable || wanted.writable) this.#handle.start(wanted, this.#onPoll);
    else this.#handle.stop();
  }

  readonly #onPoll = (...args: readonly unknown[]): void => {
    const [status] = args;
    const ready = args.at(-1);
    const failed = typeof status === 'number' && status < 0;
    const events = typeof ready === 'object' && ready !== null ? ready : {};
    if (failed || ('writable' in events && events.writable === true)) this.#tell('writable');
    if (failed || ('readable' in events && events.readable === true)) this.#tell('readable');
    if (this.#handle !== null) this.#watch();
  };

  #tell(what: Readiness): void {
    for (const resolve of this.#waiting[what].splice(0)) resolve();
  }
}
