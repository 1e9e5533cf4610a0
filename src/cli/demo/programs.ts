import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { Duplex, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Digest, digestOf } from '../../apps/pseudoRandom.ts';
import { echo } from '../../apps/smallServices.ts';
import { codeOf } from '../../node/devices/deviceError.ts';

/**
 * What a host does in the demo, on any implementation of sockets: the kernel's, in a process of its
 * own within a namespace, or those of a stack.
 */

/** The part of `node:net` that is needed. */
export interface Net {
  connect(options: { host: string; port: number; allowHalfOpen: boolean }): Duplex;
  createServer(
    options: { allowHalfOpen: boolean },
    onConnection: (socket: Duplex) => void,
  ): NetServer;
}

/** A server of a {@link Net}. */
export interface NetServer {
  listen(port: number, onListening: () => void): unknown;
  once(event: 'error', onError: (error: Error) => void): unknown;
  close(): unknown;
}

/** Where to. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/** What a GET came to. */
export interface Fetched extends Digest {
  readonly status: number;
}

/** Fetches a path by HTTP. */
export async function fetchPath(net: Net, target: Target, path: string): Promise<Fetched> {
  const asked = httpRequest(net, target, 'GET', path);
  asked.end();
  const response = await responseTo(asked);
  return { status: response.statusCode ?? 0, ...(await digestOf(response)) };
}

/** Sends a stream by HTTP. @returns the body of the answer */
export async function upload(
  net: Net,
  target: Target,
  path: string,
  body: Readable,
): Promise<string> {
  const asked = httpRequest(net, target, 'PUT', path);
  const [response] = await Promise.all([responseTo(asked), pipeline(body, asked)]);
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  return text;
}

/** Sends some octets, closes its side, and reads what the other side sends after that. */
export async function halfClose(net: Net, target: Target, text: string): Promise<Digest> {
  const socket = await connected(net, target);
  socket.end(text);
  const answer = await digestOf(socket);
  return answer;
}

/** Sends a stream to an echo server and closes its side. @returns what came back */
export async function exchange(net: Net, target: Target, body: Readable): Promise<Digest> {
  const socket = await connected(net, target);
  const [answer] = await Promise.all([digestOf(socket), pipeline(body, socket)]);
  return answer;
}

/** Connects to where nobody listens. @returns the milliseconds until it was refused */
export async function expectRefusal(net: Net, target: Target): Promise<number> {
  const from = performance.now();
  try {
    const socket = await connected(net, target);
    socket.destroy();
  } catch (error) {
    if (codeOf(error) === 'ECONNREFUSED') return performance.now() - from;
    throw error;
  }
  throw new Error(`${target.host}:${target.port} accepted a connection, which nobody should`);
}

/** @returns a server that listens and sends back what it gets */
export async function serveEcho(net: Net, port: number): Promise<NetServer> {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    echo(socket).catch(() => socket.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, resolve);
  });
  return server;
}

function connected(net: Net, { host, port }: Target): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, allowHalfOpen: true });
    socket.once('error', reject);
    socket.once('connect', () => resolve(socket));
  });
}

function httpRequest(
  net: Net,
  { host, port }: Target,
  method: string,
  path: string,
): ClientRequest {
  return request({
    host,
    port,
    method,
    path,
    createConnection: () => net.connect({ host, port, allowHalfOpen: false }),
  });
}

function responseTo(asked: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    asked.once('response', resolve);
    asked.once('error', reject);
  });
}
