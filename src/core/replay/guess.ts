import { type Micros, MS } from '../base/time.ts';
import {
  CONGESTION_CONTROLS,
  type CongestionControlName,
  DEFAULT_CONFIG,
  type SegmentLayout,
  type TcpConfig,
} from '../tcp/config.ts';
import { AT_ONCE } from './inferred.ts';

/**
 * What a host was like and its segments do not say in so many words. It is guessed; if windows or
 * ACKs that follow are not those that were recorded, another guess is tried, and the best is kept.
 */
export interface Guess {
  /** Which buffers held received text: it depends on the driver. */
  readonly layout: SegmentLayout;
  /** How long a reader that was woken waited for more: until it had a processor; 0: it was awake. */
  readonly wakingTime: Micros;
  /** How many ACKs of segments out of order it let one stand for (net.ipv4.tcp_comp_sack_nr). */
  readonly compressedAcks: number;
  /** Whether it probed for the loss of a tail (net.ipv4.tcp_early_retrans). */
  readonly earlyRetransmit: TcpConfig['earlyRetransmit'];
  /**
   * How soon behind an ACK goes out what that let go. Text that comes later was written then: a
   * writer had waited until the send buffer had room.
   */
  readonly clockedWithin: Micros;
  readonly congestionControl: CongestionControlName;
}

/** The most usual. */
export const GUESS: Guess = {
  layout: 'paged',
  wakingTime: 150,
  compressedAcks: DEFAULT_CONFIG.compressedAcks,
  earlyRetransmit: DEFAULT_CONFIG.earlyRetransmit,
  clockedWithin: AT_ONCE,
  congestionControl: DEFAULT_CONFIG.congestionControl,
};

/** What may have been otherwise, each by itself. */
export const OTHER_GUESSES: readonly Partial<Guess>[] = [
  { layout: 'linear' },
  { wakingTime: 250 },
  { wakingTime: 0 },
  { compressedAcks: 0 },
  { earlyRetransmit: 0 },
  { clockedWithin: 200 },
  { clockedWithin: 60 },
  ...CONGESTION_CONTROLS.filter((name) => name !== GUESS.congestionControl).map(
    (congestionControl) => ({ congestionControl }),
  ),
];

/** A reader that is busy while segments arrive has a processor of its own. */
export const LONGEST_BURST: Micros = 1 * MS;
