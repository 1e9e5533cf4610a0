import { Command, InvalidArgumentError } from 'commander';
import { formatCidr, formatIpv4 } from '../../core/base/address.ts';
import { Census } from '../demo/census.ts';
import { openLink } from '../demo/link.ts';
import { findPlace, type Place, removeNamespace } from '../demo/place.ts';
import { Report } from '../demo/report.ts';
import { runSteps } from '../demo/steps.ts';
import { runUnshared } from '../demo/unshare.ts';
import { Failure } from '../failure.ts';
import { addLinkOptions, checkLink, type LinkOptions } from '../options.ts';
import { type Interruption, type Result, runCommand } from '../runCommand.ts';

const MEBIBYTE = 2 ** 20;

interface DemoOptions extends LinkOptions {
  readonly mebibytes: number;
}

/** A place that this process can use itself. */
type OwnPlace = Exclude<Place, { kind: 'unshare' }>;

/** `glasstcp demo` */
export function demoCommand(): Command {
  const command = new Command('demo')
    .summary('the kernel and the stack do together what TCP is for')
    .description(
      'The kernel and the stack do together what TCP is for: transfers both ways, a half-close, ' +
        'refused connections. As root the TAP lies in a network namespace of its own, otherwise ' +
        'in a user namespace; where neither can be had, a second stack takes the part of the kernel.',
    )
    .option('--mebibytes <number>', 'size of the long transfers', parseMebibytes, 64);
  return addLinkOptions(command).action(runDemo);
}

async function runDemo(options: DemoOptions): Promise<void> {
  checkLink(options);
  const place = findPlace(options.netns);
  if (place.kind === 'unshare') return runUnshared();
  const isOwn = place.kind === 'namespace' && options.netns === undefined;
  const remove = (): void => (isOwn ? removeNamespace(place.netns) : undefined);
  process.once('exit', remove); // whatever happens
  try {
    await runCommand('demo', options, (interruption) => demo(place, options, interruption));
  } finally {
    process.off('exit', remove);
    remove();
  }
}

async function demo(
  place: OwnPlace,
  options: DemoOptions,
  { interrupted }: Interruption,
): Promise<Result> {
  const report = new Report();
  const census = new Census();
  const link = await openLink(place, options, census);
  const { stack, peer, broken, pcap } = link;
  let isDone = false;
  try {
    describe(report, place, options);
    if (peer.note !== null) report.line(peer.note);
    report.line();
    const work = runSteps({
      stack,
      stackAddress: formatIpv4(options.address.address),
      peer,
      peerAddress: formatIpv4(options.peer.address),
      census,
      report,
      octets: options.mebibytes * MEBIBYTE,
    });
    isDone = await Promise.race([work.then(() => true), interrupted.then(() => false), broken]);
  } finally {
    report.stop();
    await link.close();
  }
  const result = { place: place.kind, steps: report.outcomes, ...census.summary(), pcap };
  summarize(report, census, pcap);
  if (!isDone) report.line('interrupted');
  const failed = report.outcomes.filter(({ state }) => state === 'failed');
  if (failed.length > 0) {
    const numbers = failed.map(({ step }) => step).join(', ');
    throw new Failure(`failed: step ${numbers}`, result);
  }
  return { interrupted: !isDone, ...result };
}

function describe(report: Report, place: OwnPlace, { tap, address, peer }: DemoOptions): void {
  const ends = `the stack is ${formatCidr(address)}`;
  switch (place.kind) {
    case 'namespace':
      report.line(`A TAP ${tap} in the network namespace ${place.netns}:`);
      break;
    case 'user-namespace':
      report.line(`A TAP ${tap} in a user and network namespace, since this user is not root:`);
      break;
    case 'memory':
      report.line(`There can be no TAP here: ${place.why}.`);
      report.line('So a second stack takes the part of the kernel, on a link in memory:');
      break;
  }
  const other = place.kind === 'memory' ? 'the second stack' : 'the kernel';
  report.line(`${ends}, ${other} is ${formatCidr(peer)}.`);
}

function summarize(report: Report, census: Census, pcap: string): void {
  const { outcomes } = report;
  const count = (state: string): number => outcomes.filter((o) => o.state === state).length;
  const skipped = count('skipped') > 0 ? `, ${count('skipped')} skipped` : '';
  report.line();
  report.line(`steps: ${count('ok')} ok, ${count('failed')} failed${skipped}`);
  report.line(`sent: ${formatCounts(census.sentFor)}`);
  report.line(`received: ${census.accepted} accepted; dropped: ${formatCounts(census.droppedFor)}`);
  report.line(`capture: ${pcap}`);
}

/** The commonest first: `data 46345, delayed-ack 12` */
function formatCounts(counts: ReadonlyMap<string, number>): string {
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  return sorted.length === 0 ? 'none' : sorted.map(([name, n]) => `${name} ${n}`).join(', ');
}

function parseMebibytes(text: string): number {
  const number = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (number < 1) throw new InvalidArgumentError('It takes a number from 1 to 9999.');
  return number;
}
