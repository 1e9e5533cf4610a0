import type { Rule } from '../cable.ts';
import { closeInTurn, connected, type Scenario } from '../scenario.ts';
import { pause, type World } from '../world.ts';

/** What conversations with much text have in common. */

export const DELAY = 10_000;
export const WAY = '10 ms each way';
/** Small segments make small captures. */
const MTU = 576;
export const MSS = 524;
/** Three rounds: 10 segments, 20, and the rest. */
export const SEGMENTS = 40;
const NO_SACK = { tcp_sack: '0' };
/** Each segment out of order is acknowledged at once, instead of after a millisecond with others. */
export const EACH_ACK = { tcp_comp_sack_nr: '0' };
/** Neither SACK nor what needs it: recovery is NewReno's alone. */
export const CLASSIC = { ...NO_SACK, tcp_recovery: '0', tcp_early_retrans: '0' };

/** The client sends so much at once; both close when it has arrived. */
export function upload(octets: number, restMs = 100): (world: World) => Promise<void> {
  return async (world) => {
    const { client, server } = await connected(world);
    await Promise.all([client.write(octets), server.readFully(octets)]);
    await pause(restMs);
    await closeInTurn(client, server);
  };
}

const flight = upload(SEGMENTS * MSS);

/** Loses the first transmission of these segments with text. */
export function loseTexts(...numbers: readonly number[]): Rule {
  return ({ text, times }) => (times === 1 && numbers.includes(text) ? 'lose' : null);
}

interface Loss {
  readonly name: string;
  readonly description: string;
  readonly what: string;
  readonly rule: Rule;
  readonly resent: Scenario['resent'];
  readonly sysctls?: Scenario['sysctls'];
  readonly congestion?: Scenario['congestion'];
  readonly run?: Scenario['run'];
}

/** An upload from which the cable takes something. */
export function losing(loss: Loss): Scenario {
  const { name, description, what, rule, resent, congestion = 'reno' } = loss;
  const { sysctls = EACH_ACK } = loss;
  return {
    name,
    description,
    link: `impaired: ${WAY}, ${what}`,
    cable: { delay: DELAY },
    mtu: MTU,
    both: true,
    congestion,
    toServer: rule,
    ...(resent && { resent }),
    sysctls,
    latest: 8,
    run: loss.run ?? flight,
  };
}
