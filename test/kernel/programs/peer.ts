import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import koffi from 'koffi';
import { digestOf, pseudoRandom } from '../../../src/apps/pseudoRandom.ts';
import type { PeerAnswer, PeerReply, PeerRequest } from './protocol.ts';

/**
 * A host's programs on the sockets of the kernel, told what to do by lines on standard input: a
 * process of its own, because a process lies in one network namespace. It ends with its input.
 */

const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_KEEPALIVE = 9;
const SO_LINGER = 13;
const IPPROTO_TCP = 6;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;

const setsockopt = koffi
  .load(null)
  .func('int setsockopt(int fd, int level, int option, const void *value, uint32_t length)');

const NOTHING: PeerAnswer = { keys: [], errors: [], count: 0, octets: 0, sha256: '' };

/** One end of a connection. */
interface End {
  readonly socket: Socket;
  ended: boolean;
}

const ends = new Map<string, End>();
const errors: string[] = [];
/** Told of every change of {@link ends}. */
let waiting: (() => void)[] = [];

function changed(): void {
  const told = waiting;
  waiting = [];
  for (const tell of told) tell();
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise<void>((resolve) => waiting.push(resolve));
}

function note(error: unknown): void {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : error;
  errors.push(String(code));
}

function take(socket: Socket): string {
  const key = `${socket.localPort}-${socket.remotePort}`;
  const end: End = { socket, ended: false };
  ends.set(key, end);
  socket.on('end', () => {
    end.ended = true;
    changed();
  });
  socket.on('close', () => {
    ends.delete(key);
    changed();
  });
  changed();
  return key;
}

function selected(keys: readonly string[] | undefined): Socket[] {
  if (keys === undefined) return Array.from(ends.values(), ({ socket }) => socket);
  return keys.map((key) => {
    const end = ends.get(key);
    if (end === undefined) throw new Error(`no socket ${key}`);
    return end.socket;
  });
}

function theOne(): Socket {
  const [socket, another] = selected(undefined);
  if (socket === undefined || another !== undefined) throw new Error('not one socket');
  return socket;
}

/** Node tells nobody of the descriptor, which it has all the same. */
function setOption(of: Socket | Server, level: number, option: number, ...values: number[]): void {
  const handle: unknown = Reflect.get(of, '_handle');
  const fd: unknown = typeof handle === 'object' && handle !== null && Reflect.get(handle, 'fd');
  const value = Int32Array.from(values);
  const result: unknown = setsockopt(fd, level, option, value, value.byteLength);
  if (result !== 0) throw new Error(`setsockopt ${level} ${option}: errno ${koffi.errno()}`);
}

async function listen(port: number, receiveBuffer: number | undefined): Promise<void> {
  const options = { allowHalfOpen: true, pauseOnConnect: true };
  const server = createServer(options, (socket) => {
    socket.on('error', note);
    take(socket);
  });
  server.listen(port);
  await once(server, 'listening');
  if (receiveBuffer !== undefined) setOption(server, SOL_SOCKET, SO_RCVBUF, receiveBuffer);
}

/** @returns its key; null: it has failed */
function open(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, allowHalfOpen: true });
    connecting.add(socket);
    socket.pause();
    socket.on('error', note);
    socket.once('connect', () => resolve(take(socket)));
    socket.once('close', () => resolve(null));
    socket.once('connect', () => connecting.delete(socket));
    socket.once('close', () => connecting.delete(socket));
  });
}

/** Not open yet. */
const connecting = new Set<Socket>();

function abort(): void {
  for (const socket of [...connecting, ...selected(undefined)]) {
    if (!connecting.has(socket)) setOption(socket, SOL_SOCKET, SO_LINGER, 1, 0);
    socket.destroy();
  }
}

function takenErrors(): string[] {
  return errors.splice(0).sort();
}

function descriptors(): number {
  const folder = '/proc/self/fd';
  return readdirSync(folder).filter((fd) => {
    try {
      return readlinkSync(`${folder}/${fd}`).startsWith('socket:');
    } catch {
      return false; // that of the folder itself
    }
  }).length;
}

async function perform(request: PeerRequest): Promise<Partial<PeerAnswer>> {
  switch (request.do) {
    case 'listen':
      await listen(request.port, request.receiveBuffer);
      return {};
    case 'connect': {
      const { host, port, count = 1 } = request;
      const opening = Array.from({ length: count }, () => open(host, port));
      const keys = (await Promise.all(opening)).filter((key) => key !== null);
      return { keys, errors: keys.length === count ? [] : takenErrors() };
    }
    case 'opened':
      await until(() => ends.size >= request.count);
      return { keys: [...ends.keys()] };
    case 'keepAlive':
      for (const socket of selected(request.keys)) {
        setOption(socket, IPPROTO_TCP, TCP_KEEPIDLE, request.idle);
        setOption(socket, IPPROTO_TCP, TCP_KEEPINTVL, request.interval);
        setOption(socket, IPPROTO_TCP, TCP_KEEPCNT, request.count);
        setOption(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
      }
      return {};
    case 'read':
      for (const socket of selected(undefined)) socket.resume();
      return {};
    case 'write':
      for (const socket of selected(request.keys)) socket.write(Buffer.alloc(request.octets, 'x'));
      return {};
    case 'end':
      for (const socket of selected(request.keys)) socket.end();
      return {};
    case 'close':
      for (const socket of selected(undefined)) socket.destroy();
      return {};
    case 'abort':
      abort();
      return {};
    case 'ended':
      await until(() => [...ends.values()].every(({ ended }) => ended));
      return { count: ends.size };
    case 'closed':
      await until(() => ends.size === 0);
      return { errors: takenErrors() };
    case 'digest':
      return digestOf(theOne());
    case 'send':
      await pipeline(pseudoRandom(request.octets), theOne());
      return {};
    case 'descriptors':
      return { count: descriptors() };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const request: PeerRequest = JSON.parse(line);
  const { id } = request;
  perform(request).then(
    (answer) => reply({ ...NOTHING, ...answer, id, failure: '' }),
    (error: unknown) => reply({ ...NOTHING, id, failure: String(error) }),
  );
}
process.exit();

function reply(line: PeerReply): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
