import { createHash } from 'node:crypto';
import { type IncomingMessage, request } from 'node:http';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import test, { type ExecutionContext } from 'ava';
import { digestOf, pseudoRandom } from '../../src/apps/pseudoRandom.ts';
import { createSite } from '../../src/apps/site.ts';
import { listen } from './listen.ts';

/** The site on a socket of the kernel's. @returns its port */
async function serve(t: ExecutionContext): Promise<number> {
  const site = createSite();
  const { port, close } = await listen((socket) => site.emit('connection', socket));
  t.teardown(close);
  return port;
}

function ask(port: number, method: string, path: string, body = ''): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, method, path, agent: false }, resolve);
    asked.once('error', reject);
    asked.end(body);
  });
}

test('the page is there, and nothing else', async (t) => {
  const port = await serve(t);
  const page = await ask(port, 'GET', '/');
  t.is(page.statusCode, 200);
  t.regex(await text(page), /glasstcp/);
  for (const path of ['/nothing', '/octets/', '/octets/x', '/octets/-1', '//', '/octets/5/6']) {
    const answer = await ask(port, 'GET', path);
    t.is(answer.statusCode, 404, path);
    await text(answer);
  }
});

test('octets are as many as asked for, always the same, and their digest is beside them', async (t) => {
  const port = await serve(t);
  for (const count of [0, 1, 65_536, 1_000_001]) {
    const answer = await ask(port, 'GET', `/octets/${count}`);
    t.is(answer.headers['content-length'], String(count));
    const got = await digestOf(answer);
    t.deepEqual(got, await digestOf(pseudoRandom(count)));
    t.is(await text(await ask(port, 'GET', `/octets/${count}.sha256`)), `${got.sha256}\n`);
  }
});

test('pseudo-random octets with another seed are others', async (t) => {
  const one = await digestOf(pseudoRandom(1000));
  t.not(one.sha256, (await digestOf(pseudoRandom(1000, 'another'))).sha256);
});

test('an upload is answered by its count and digest', async (t) => {
  const port = await serve(t);
  const sha256 = createHash('sha256').update('hello').digest('hex');
  for (const method of ['PUT', 'POST']) {
    const answer = await ask(port, method, '/upload', 'hello');
    t.deepEqual(JSON.parse(await text(answer)), { octets: 5, sha256 });
  }
});

test('a method that a path does not know is refused, and HEAD gives no body', async (t) => {
  const port = await serve(t);
  const wrong = await ask(port, 'DELETE', '/upload');
  t.is(wrong.statusCode, 405);
  t.is(wrong.headers.allow, 'PUT, POST');
  await text(wrong);
  const put = await ask(port, 'PUT', '/octets/1', 'x');
  t.is(put.headers.allow, 'GET, HEAD');
  await text(put);
  const head = await ask(port, 'HEAD', '/octets/1000');
  t.is(head.headers['content-length'], '1000');
  t.is(await text(head), '');
});

test('a client that goes away in the middle leaves the site working', async (t) => {
  const port = await serve(t);
  const answer = await ask(port, 'GET', '/octets/100000000');
  answer.destroy();
  const unfinished = net.connect(port, '127.0.0.1');
  await pipeline(
    ['PUT /upload HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\nbegun'],
    unfinished,
    {
      end: false,
    },
  );
  unfinished.resetAndDestroy();
  t.is((await ask(port, 'GET', '/')).statusCode, 200);
});
