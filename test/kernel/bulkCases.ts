import type { ExecutionContext } from 'ava';
import { MS } from '../../src/core/base/time.ts';
import type { ImpairmentOptions } from '../../src/core/sim/impairment.ts';
import type { BulkEvidence, BulkOptions } from './bulkTransfer.ts';

const BAD_WAY: ImpairmentOptions = {
  loss: 0.002,
  duplication: 0.002,
  reordering: 0.005,
  jitter: 2 * MS,
};

/** A transfer and what it is called. */
export interface BulkCase {
  readonly title: string;
  readonly options: BulkOptions;
}

/** With the kernel as the sender and as the receiver, over a good way and a bad one. */
export function bulkCases(octets: number): BulkCase[] {
  const cases: BulkCase[] = [];
  for (const impairment of [{}, BAD_WAY]) {
    for (const control of ['cubic', 'reno', 'bbr']) {
      cases.push(bulkCase({ from: 'kernel', octets, impairment, sack: 1, timestamps: 1, control }));
    }
    for (const sack of [0, 1]) {
      for (const timestamps of [0, 1]) {
        const common = { octets, impairment, sack, timestamps, control: 'cubic' };
        if (sack + timestamps < 2) cases.push(bulkCase({ from: 'kernel', ...common }));
        cases.push(bulkCase({ from: 'stack', ...common }));
      }
    }
    const ours = { octets, impairment, sack: 1, timestamps: 1, control: 'bbr' };
    cases.push(bulkCase({ from: 'stack', ...ours }));
  }
  return cases;
}

interface Parameters extends Pick<BulkOptions, 'octets' | 'from' | 'impairment'> {
  readonly sack: number;
  readonly timestamps: number;
  readonly control: string;
}

function bulkCase({ sack, timestamps, control, ...rest }: Parameters): BulkCase {
  const to = rest.from === 'kernel' ? `from Linux (${control})` : `to Linux (our ${control})`;
  const way = rest.impairment === BAD_WAY ? 'a bad way' : 'a good way';
  const without = [...(sack === 0 ? ['SACK'] : []), ...(timestamps === 0 ? ['timestamps'] : [])];
  const options = without.length === 0 ? '' : ` without ${without.join(' and ')}`;
  return {
    title: `${rest.octets / 2 ** 20} MiB ${to} over ${way}${options}`,
    options: {
      ...rest,
      sysctls: { sack, timestamps },
      congestionControl: control,
      ...(rest.from === 'stack' && control === 'bbr'
        ? { config: { congestionControl: control } }
        : {}),
    },
  };
}

/** What the kernel has found wrong with us: nothing. */
const NONE = [
  'TcpInErrs',
  'TcpInCsumErrors',
  'TcpEstabResets',
  'TcpOutRsts',
  'TcpAttemptFails',
  'TcpExtTCPSYNChallenge',
];

const SHOWN = ['TcpRetransSegs', 'TcpExtTCPTimeouts', 'TcpExtTCPLossProbes', 'TcpExtTCPDSACKRecv'];

/** Judges a transfer by what the kernel says of it. */
export function judge(t: ExecutionContext, options: BulkOptions, evidence: BulkEvidence): void {
  const { counters, seconds, ss } = evidence;
  const shown = SHOWN.map((name) => `${name.replace(/^Tcp(Ext)?/, '')} ${counters.get(name)}`);
  t.log(`${(options.octets / 2 ** 20 / seconds).toFixed(1)} MiB/s, ${shown.join(', ')}`);
  for (const name of NONE) t.is(counters.get(name), 0, name);
  const { sack, timestamps } = options.sysctls;
  t.is(/\bsack\b/.test(ss), sack === 1, ss);
  t.is(/\bts\b/.test(ss), timestamps === 1, ss);
  t.true(ss.includes(` ${options.congestionControl} `), ss);
  // where ACKs overtake each other, one may be older than a whole window (RFC 5961 5.2)
  if (options.impairment.loss !== undefined) return;
  t.is(counters.get('TcpExtTCPChallengeACK'), 0, 'TcpExtTCPChallengeACK');
  // a busy machine may keep this process from answering within the kernel's 200 ms
  const allowed = 2 + (counters.get('TcpOutSegs') ?? 0) / 100;
  t.true((counters.get('TcpRetransSegs') ?? 0) <= allowed, 'TcpRetransSegs');
}
