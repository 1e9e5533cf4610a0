import { SECOND } from '../../base/time.ts';

/** Unit of rates: 2^-24 segments in a µs, as Linux reckons (BW_UNIT). */
export const RATE_UNIT: number = 2 ** 24;
/** Unit of gains: 1/256 (BBR_UNIT). */
export const GAIN_UNIT = 256;
/** Hundredths of a rate that are used: a little less than it, so that no queue stays (bbr_pacing_margin_percent). */
const USED = 99;

/** A rate in octets of text a second, times a gain, and somewhat below (bbr_rate_bytes_per_sec). */
export function octetsPerSecond(rate: number, mss: number, gain: number = GAIN_UNIT): number {
  const scaled = Math.floor((rate * mss * gain) / GAIN_UNIT);
  return Math.floor((scaled * ((SECOND / 100) * USED)) / RATE_UNIT);
}
