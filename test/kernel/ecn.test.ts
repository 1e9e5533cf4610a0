import test, { type ExecutionContext } from 'ava';
import { type BulkEvidence, type BulkOptions, bulkTransfer } from './bulkTransfer.ts';

const OCTETS = 4 * 2 ** 20;
/** Octets of text in a full segment. */
const SEGMENT = 1448;
/** Numbers of the datagrams that the router on the way marks. */
const MARKED = [12, 100, 300, 1000, 2000];

/** The kernel asks for ECN, the stack answers, and text of one of them is marked on the way. */
function options(from: BulkOptions['from']): BulkOptions {
  return {
    octets: OCTETS,
    from,
    impairment: { mark: MARKED },
    sysctls: { ecn: 1 },
    congestionControl: 'cubic',
  };
}

/**
 * Each mark was seen, and told of; CWR put an end to that: else all that was delivered from the first
 * mark on would count as marked.
 */
function judge(t: ExecutionContext, { ss, marks, deliveredCe }: ReturnType<typeof seen>): void {
  t.log(ss);
  t.is(marks, MARKED.length);
  t.true(deliveredCe >= MARKED.length, `${deliveredCe}`);
  t.true(deliveredCe < OCTETS / SEGMENT / 2, `${deliveredCe}`);
}

function seen(from: BulkOptions['from'], { ss, counters, stack }: BulkEvidence) {
  const kernel = (name: string): number => counters.get(name) ?? 0;
  return from === 'stack'
    ? { ss, marks: kernel('IpExtInCEPkts'), deliveredCe: stack.tcp.TCPDeliveredCE }
    : { ss, marks: stack.ip.InCEPkts, deliveredCe: kernel('TcpExtTCPDeliveredCE') };
}

test.serial(
  'RFC 3168 6.1.2: the stack reduces its window, and its CWR ends the echo of Linux',
  (t) =>
    bulkTransfer(t, options('stack'), (evidence) => {
      judge(t, seen('stack', evidence));
      t.regex(evidence.ss, /\becnseen\b/);
    }),
);

test.serial(
  'RFC 3168 6.1.3: the stack echoes a mark until the CWR of Linux, which has reduced its window',
  (t) =>
    bulkTransfer(t, options('kernel'), (evidence) => {
      judge(t, seen('kernel', evidence));
      t.regex(evidence.ss, /\becn\b/);
      t.regex(evidence.ss, /\bssthresh:\d+/);
    }),
);
