import { createInterface } from 'node:readline';
import type { ExecutionContext } from 'ava';
import { type Running, within } from '../cli/processes.ts';
import type { PeerAnswer, PeerCommand, PeerReply } from './programs/protocol.ts';

const PROGRAM = 'test/kernel/programs/peer.ts';

/** The other end on the sockets of the kernel: a process in a namespace, which does as it is told. */
export class KernelPeer {
  readonly #process: Running;
  readonly #waiting = new Map<number, (reply: PeerReply) => void>();
  #requests = 0;

  /** Starts the process, which is killed when the test ends. */
  constructor(t: ExecutionContext, ns: string) {
    this.#process = within(t, ns, process.execPath, '--import=tsx', PROGRAM);
    const { stdout } = this.#process.child;
    if (stdout === null) throw new Error('the peer has no standard output');
    createInterface({ input: stdout }).on('line', (line) => {
      const reply: PeerReply = JSON.parse(line);
      this.#waiting.get(reply.id)?.(reply);
      this.#waiting.delete(reply.id);
    });
  }

  /** Tells it something. @throws Error if it cannot do that, or ends before it has */
  async tell(command: PeerCommand): Promise<PeerAnswer> {
    const id = ++this.#requests;
    const replied = new Promise<PeerReply>((resolve) => this.#waiting.set(id, resolve));
    this.#process.child.stdin?.write(`${JSON.stringify({ id, ...command })}\n`);
    const over = this.#process.ended.then(({ stderr }) => {
      throw new Error(`the peer ended before ${command.do}: ${stderr}`);
    });
    const { failure, ...answer } = await Promise.race([replied, over]);
    if (failure !== '') throw new Error(`${command.do}: ${failure}`);
    return answer;
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }
}
