import net from 'node:net';
import { pseudoRandom } from '../../apps/pseudoRandom.ts';
import { messageOf } from '../../node/devices/deviceError.ts';
import { expectRefusal, fetchPath, halfClose, serveEcho, upload } from './programs.ts';

/**
 * The demo's programs on the sockets of the kernel: a process of its own, because a process lies
 * in one network namespace.
 *
 *     node kernelProgram.js PROGRAM HOST PORT [ARGUMENT]
 *
 * The result is one line of JSON on standard output. An echo server prints its line when it
 * listens, and then serves until it is ended.
 */
async function run(
  program: string,
  host: string,
  port: number,
  argument: string,
): Promise<unknown> {
  const target = { host, port };
  switch (program) {
    case 'fetch':
      return fetchPath(net, target, argument);
    case 'upload':
      return upload(net, target, '/upload', pseudoRandom(Number(argument)));
    case 'half-close':
      return halfClose(net, target, argument);
    case 'refusal':
      return expectRefusal(net, target);
    case 'echo':
      await serveEcho(net, port);
      return 'listening';
    default:
      throw new Error(`unknown program ${program}`);
  }
}

const [program = '', host = '', port = '', argument = ''] = process.argv.slice(2);
try {
  process.stdout.write(`${JSON.stringify(await run(program, host, Number(port), argument))}\n`);
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
}
