import { type Seq, seq } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';

/**
 * The records of delivery rate estimation: what each segment takes along when it is sent, and what the
 * connection knows. Names of Linux's variables stand in brackets.
 */

/** What a segment takes along when it is sent. */
export interface SendStamp {
  /** Segments that were delivered until then. */
  delivered: number;
  /** When the last of them was, and when the segment was sent that it was measured by. */
  deliveredAt: Micros;
  firstSentAt: Micros;
  /** The user had too little to send. */
  isAppLimited: boolean;
}

/** No time. */
export const NONE = -1;

/** The stamp of a segment by which nothing is measured. */
export const NO_STAMP: SendStamp = {
  delivered: 0,
  deliveredAt: NONE,
  firstSentAt: NONE,
  isAppLimited: false,
};

/** Measurement of the delivery rate. One record per connection; its stamp is the one of this moment. */
export interface DeliveryRate extends SendStamp {
  /** An ACK of more than this count ends the time without enough to send; 0: there is none (app_limited). */
  bubbleEnd: number;

  /** The last rate, as a count and a time; 0: not known (rate_delivered, rate_interval_us). */
  rateDelivered: number;
  rateInterval: Micros;
  rateAppLimited: boolean;

  /** Stamp of the segment that was sent last of those that the present ACK delivers; 0, -1: none. */
  priorDelivered: number;
  priorAt: Micros;
  priorAppLimited: boolean;
  priorEnd: Seq;
  /** Time between what had been delivered before it was sent, and its sending. */
  sendInterval: Micros;
}

export function newDeliveryRate(): DeliveryRate {
  return {
    delivered: 0,
    deliveredAt: NONE,
    firstSentAt: NONE,
    isAppLimited: true,
    // "There's a bubble in the pipe until at least the first ACK."
    bubbleEnd: NONE,
    rateDelivered: 0,
    rateInterval: 0,
    rateAppLimited: true,
    priorDelivered: 0,
    priorAt: NONE,
    priorAppLimited: false,
    priorEnd: seq(0),
    sendInterval: 0,
  };
}
