import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { digestOf, pseudoRandom } from './pseudoRandom.ts';

const PAGE = `<!doctype html>
<title>glasstcp</title>
<h1>Served over a TCP that you can see through</h1>
<p>Every octet of this page went through a TCP/IP stack written in TypeScript.</p>
<ul>
<li><a href="/octets/1000000">/octets/N</a>: N pseudo-random octets, always the same ones
<li><a href="/octets/1000000.sha256">/octets/N.sha256</a>: their SHA-256
<li>PUT or POST /upload: count and SHA-256 of what you send
</ul>
`;

/** What a path and method lead to. */
type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * An HTTP server with a page at `/`, `/octets/N` to download from and `/upload` to upload to. It
 * listens nowhere by itself: hand it connections by `emit('connection', socket)`.
 */
export function createSite(): Server {
  return createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      // the connection broke, or the client went away: nobody is left to be told
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [path = '/'] = (request.url ?? '/').split('?');
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const isWrite = request.method === 'PUT' || request.method === 'POST';
  const [, count, digest] = /^\/octets\/(\d{1,15})(\.sha256)?$/.exec(path) ?? [];
  let handler: Answer;
  if (path === '/upload') handler = isWrite ? upload : notAllowed('PUT, POST');
  else if (path !== '/' && count === undefined) handler = notFound;
  else if (!isRead) handler = notAllowed('GET, HEAD');
  else if (count === undefined) handler = page;
  else handler = digest === undefined ? octets(Number(count)) : octetsDigest(Number(count));
  await handler(request, response);
}

async function page(_request: IncomingMessage, response: ServerResponse): Promise<void> {
  send(response, 200, 'text/html; charset=utf-8', PAGE);
}

function octets(count: number): Answer {
  return async (request, response) => {
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      'content-length': count,
      etag: `"octets-${count}"`,
    });
    if (request.method === 'HEAD') response.end();
    else await pipeline(pseudoRandom(count), response);
  };
}

function octetsDigest(count: number): Answer {
  return async (_request, response) => {
    const source = pseudoRandom(count);
    response.once('close', () => source.destroy()); // nobody waits any longer
    const { sha256 } = await digestOf(source);
    send(response, 200, 'text/plain', `${sha256}\n`);
  };
}

async function upload(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const digest = await digestOf(request);
  send(response, 200, 'application/json', `${JSON.stringify(digest)}\n`);
}

async function notFound(request: IncomingMessage, response: ServerResponse): Promise<void> {
  request.resume();
  send(response, 404, 'text/plain', 'There is nothing here. Try /\n');
}

function notAllowed(methods: string): Answer {
  return async (request, response) => {
    request.resume();
    response.setHeader('allow', methods);
    send(response, 405, 'text/plain', `This answers ${methods}.\n`);
  };
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
