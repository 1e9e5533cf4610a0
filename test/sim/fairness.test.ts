import test, { type ExecutionContext } from 'ava';
import { type Micros, MS, SECOND } from '../../src/core/base/time.ts';
import { CONGESTION_CONTROLS, type CongestionControlName } from '../../src/core/tcp/config.ts';
import { Dumbbell } from './dumbbell.ts';

const RATE = 4e6;
const RTT: Micros = 80 * MS;
const FRAME = 1514;
/** One product of bandwidth and delay, in frames. */
const QUEUE = Math.ceil((RATE * RTT) / SECOND / 8 / FRAME);
/** The second flow comes so much later, */
const LATER = 1 * SECOND;
/** and after this time the shares are measured. */
const WARM_UP = 20 * SECOND;
const MEASURED = 30 * SECOND;

interface Party {
  readonly control: CongestionControlName;
  readonly rtt: Micros;
}

/** Two flows, of which the second one begins later. @returns Mbit/s of text of each */
function compete(t: ExecutionContext, parties: readonly [Party, Party]): readonly number[] {
  const flows = parties.map(({ control, rtt }) => ({
    config: { congestionControl: control },
    rtt,
  }));
  const net = new Dumbbell(flows, { rate: RATE, queue: QUEUE });
  const [first, second] = net.flows;
  first?.start();
  net.pass(LATER);
  second?.start();
  net.pass(WARM_UP);
  const rates = net.pass(MEASURED).map((octets) => (octets * 8) / (MEASURED / SECOND) / 1e6);
  const told = parties.map(({ control, rtt }, i) => {
    return `${control} with ${rtt / MS} ms: ${rates[i]?.toFixed(2)} Mbit/s`;
  });
  t.log(`${told.join(', ')}: Jain's index ${jain(rates).toFixed(3)}`);
  return rates;
}

/** 1: all get the same; 1/n: one gets all. @rfc 5166 2.3 */
function jain(rates: readonly number[]): number {
  const sum = rates.reduce((a, b) => a + b, 0);
  return sum ** 2 / (rates.length * rates.reduce((a, b) => a + b * b, 0));
}

for (const control of CONGESTION_CONTROLS) {
  test(`RFC 5166 2.3: two flows of ${control} share a bottleneck evenly`, (t) => {
    const rates = compete(t, [
      { control, rtt: RTT },
      { control, rtt: RTT },
    ]);
    t.true(jain(rates) >= 0.95);
  });
}

test('RFC 9438 5.1: CUBIC leaves NewReno its share where NewReno does well', (t) => {
  const rates = compete(t, [
    { control: 'cubic', rtt: RTT },
    { control: 'reno', rtt: RTT },
  ]);
  t.true(jain(rates) >= 0.9);
});

for (const control of CONGESTION_CONTROLS) {
  test(`RFC 9438 3.3: flows of ${control} with other round trips`, (t) => {
    const rates = compete(t, [
      { control, rtt: RTT },
      { control, rtt: 4 * RTT },
    ]);
    t.true(Math.min(...rates) > 0);
  });
}
