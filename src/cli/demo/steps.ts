import { performance } from 'node:perf_hooks';
import { type Digest, digestOf, pseudoRandom } from '../../apps/pseudoRandom.ts';
import { createSite } from '../../apps/site.ts';
import type { Socket } from '../../node/net/socket.ts';
import type { NodeStack } from '../../node/nodeStack.ts';
import { Failure } from '../failure.ts';
import type { Census, Reset } from './census.ts';
import type { Peer } from './peer.ts';
import { exchange, expectRefusal } from './programs.ts';
import type { Report } from './report.ts';

const MEBIBYTE = 2 ** 20;
const SITE_PORT = 80;
const HALF_CLOSE_PORT = 81;
/** Of the server at the other end. */
const ECHO_PORT = 7007;
/** Where nobody listens, on either end. */
const CLOSED_PORT = 9;
const HALF_CLOSE_REQUEST = 'this is all that I have to say';
const HALF_CLOSE_OCTETS = 4 * MEBIBYTE;
const ECHO_OCTETS = MEBIBYTE;
/** A refusal that takes longer was none: the SYN was sent again after a second. */
const AT_ONCE_MS = 900;
/** The kernel counts what the peer did wrong here; each must stay at zero. */
const KERNEL_COMPLAINTS = [
  'TcpInErrs',
  'TcpInCsumErrors',
  'IcmpInCsumErrors',
  'TcpExtTCPChallengeACK',
  'TcpExtTCPSYNChallenge',
] as const;

/** What the steps need. */
export interface Setting {
  readonly stack: NodeStack;
  readonly stackAddress: string;
  readonly peer: Peer;
  readonly peerAddress: string;
  readonly census: Census;
  readonly report: Report;
  /** Octets of the long transfers. */
  readonly octets: number;
}

/** The main job from end to end, step by step. What fails is in the report. */
export async function runSteps(setting: Setting): Promise<void> {
  const before = await setting.peer.counters();
  const site = await startSite(setting.stack);
  await startHalfCloseServer(setting.stack);
  await fetchPage(setting);
  await download(setting, site);
  await upload(setting, site);
  const { report, peer } = setting;
  await report.step(`the ${peer.name} pings the stack`, () => peer.ping());
  await halfClose(setting);
  await connectOut(setting);
  await refuse(setting);
  await countResets(setting, before);
}

/** The newest connection of the site, so that progress can be seen. */
interface Site {
  newest: Socket | null;
}

async function startSite(stack: NodeStack): Promise<Site> {
  const http = createSite();
  const site: Site = { newest: null };
  await listen(stack, SITE_PORT, (socket) => {
    site.newest = socket;
    http.emit('connection', socket);
  });
  return site;
}

/** Answers when the other side has ended its own, and not before. */
async function startHalfCloseServer(stack: NodeStack): Promise<void> {
  await listen(stack, HALF_CLOSE_PORT, (socket) => {
    let request = '';
    socket.on('data', (chunk: Uint8Array) => {
      request += Buffer.from(chunk).toString('latin1');
    });
    socket.once('error', () => socket.destroy());
    socket.once('end', () => {
      if (request !== HALF_CLOSE_REQUEST) socket.end();
      else pseudoRandom(HALF_CLOSE_OCTETS).pipe(socket);
    });
  });
}

function listen(stack: NodeStack, port: number, handle: (socket: Socket) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = stack.net.createServer({ allowHalfOpen: true }, handle);
    server.once('error', reject);
    server.listen(port, resolve);
  });
}

function fetchPage({ report, peer }: Setting): Promise<void> {
  return report.step(`${peer.client} fetches a page from the stack`, async () => {
    const { status, octets } = await peer.fetch('/');
    if (status !== 200) throw new Failure(`the answer was ${status}`);
    return `status ${status}, ${octets} octets`;
  });
}

function download({ report, peer, octets }: Setting, site: Site): Promise<void> {
  const title = `${peer.client} fetches ${octets / MEBIBYTE} MiB from an http.Server on the stack`;
  site.newest = null;
  const work = async (): Promise<string> => {
    const from = performance.now();
    const got = await peer.fetch(`/octets/${octets}`);
    const seconds = (performance.now() - from) / 1000;
    const same = compare(got, await digestOf(pseudoRandom(octets)));
    return `${same}, ${(octets / MEBIBYTE / seconds).toFixed(1)} MiB/s`;
  };
  return report.step(title, work, { octets, done: () => site.newest?.bytesWritten ?? 0 });
}

function upload({ report, peer, octets }: Setting, site: Site): Promise<void> {
  const title = `${peer.client} uploads ${octets / MEBIBYTE} MiB to it`;
  site.newest = null;
  const work = async (): Promise<string> => {
    const from = performance.now();
    const got: Digest = JSON.parse(await peer.upload(octets));
    const seconds = (performance.now() - from) / 1000;
    const same = compare(got, await digestOf(pseudoRandom(octets)));
    return `${same}, ${(octets / MEBIBYTE / seconds).toFixed(1)} MiB/s`;
  };
  return report.step(title, work, { octets, done: () => site.newest?.bytesRead ?? 0 });
}

function halfClose({ report, peer }: Setting): Promise<void> {
  const mebibytes = HALF_CLOSE_OCTETS / MEBIBYTE;
  const title = `the ${peer.name} ends its side first, and then receives ${mebibytes} MiB`;
  return report.step(title, async () => {
    const got = await peer.halfClose(HALF_CLOSE_PORT, HALF_CLOSE_REQUEST);
    return compare(got, await digestOf(pseudoRandom(HALF_CLOSE_OCTETS)));
  });
}

function connectOut({ report, stack, peer, peerAddress }: Setting): Promise<void> {
  const title = `the stack connects to a server of the ${peer.name}, and exchanges data`;
  return report.step(title, async () => {
    await peer.serveEcho(ECHO_PORT);
    const target = { host: peerAddress, port: ECHO_PORT };
    const got = await exchange(stack.net, target, pseudoRandom(ECHO_OCTETS));
    return compare(got, await digestOf(pseudoRandom(ECHO_OCTETS)));
  });
}

function refuse({ report, stack, peer, peerAddress }: Setting): Promise<void> {
  return report.step('a connection to a closed port is refused at once, both ways', async () => {
    const byStack = await peer.expectRefusal(CLOSED_PORT);
    const byPeer = await expectRefusal(stack.net, { host: peerAddress, port: CLOSED_PORT });
    for (const elapsed of [byStack, byPeer]) {
      if (elapsed > AT_ONCE_MS) throw new Failure(`it took ${elapsed.toFixed(0)} ms`);
    }
    return `by the stack after ${byStack.toFixed(1)} ms, by the ${peer.name} after ${byPeer.toFixed(1)} ms`;
  });
}

function countResets(setting: Setting, before: ReadonlyMap<string, number>): Promise<void> {
  const { report, census, peer } = setting;
  return report.step('no connection was reset but the two that were refused', async () => {
    const after = await peer.counters();
    const resets = census.resets.map(formatReset);
    const expected = [
      `${setting.stackAddress}:${CLOSED_PORT} > ${setting.peerAddress}`,
      `${setting.peerAddress}:${CLOSED_PORT} > ${setting.stackAddress}`,
    ];
    const wrong = resets.filter((reset) => !expected.includes(reset));
    if (wrong.length > 0) throw new Failure(`RST segments: ${wrong.join(', ')}`);
    if (resets.length !== 2) throw new Failure(`${resets.length} RST segments instead of 2`);
    const grown = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0);
    const complaints = KERNEL_COMPLAINTS.filter((name) => grown(name) > 0);
    if (complaints.length > 0) throw new Failure(`the kernel counted ${complaints.join(', ')}`);
    const own = `2 RST segments; the stack retransmitted ${census.retransmissions} segments`;
    if (after.size === 0) return own;
    return `${own}, the kernel ${grown('TcpRetransSegs')}; the kernel found no error in a segment`;
  });
}

/** The port of a client is any. */
function formatReset({ from, fromPort, to, toPort }: Reset): string {
  return fromPort === CLOSED_PORT
    ? `${from}:${fromPort} > ${to}`
    : `${from}:${fromPort} > ${to}:${toPort}`;
}

/** @returns what is told of a transfer @throws Failure if not all came as it was sent */
function compare(got: Digest, wanted: Digest): string {
  if (got.octets !== wanted.octets) {
    throw new Failure(`${got.octets} octets of ${wanted.octets} arrived`);
  }
  if (got.sha256 !== wanted.sha256) throw new Failure('the SHA-256 differs: octets were changed');
  return `${got.octets} octets, SHA-256 equal`;
}
