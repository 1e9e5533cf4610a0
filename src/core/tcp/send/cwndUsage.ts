import { le, type Seq, seq } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';

/**
 * How far the sender uses its congestion window: remembered for one window of text at a time, as
 * Linux does (tcp_cwnd_validate).
 *
 * @rfc 7661 4.1
 */
export class CwndUsage {
  /** Most segments unacknowledged since cwnd was fully used last (snd_cwnd_used). */
  used = 0;
  /** When cwnd was fully used, or changed, last (snd_cwnd_stamp). */
  since: Micros = 0;
  /** cwnd was what held the sender back (is_cwnd_limited). */
  #limited = false;
  /** Most segments that were unacknowledged (max_packets_out). */
  #most = 0;
  /** An ACK of this begins the next window (cwnd_usage_seq). */
  #end: Seq = seq(0);

  /** New text was sent, or was not because of cwnd. @param out segments unacknowledged */
  note(limited: boolean, out: number, { una, nxt }: { una: Seq; nxt: Seq }): void {
    const isMore = !this.#limited && out > this.#most;
    if (!le(this.#end, una) && !limited && !isMore) return;
    this.#limited = limited;
    this.#most = out;
    this.#end = nxt;
  }

  /** All of cwnd is used, or another one is in force from now on. */
  restart(now: Micros): void {
    this.used = 0;
    this.since = now;
  }

  /** May cwnd grow? In slow start up to twice what was used (Linux: tcp_is_cwnd_limited). */
  isLimited(cwndSegments: number, isSlowStart: boolean): boolean {
    return this.#limited || (isSlowStart && cwndSegments < 2 * this.#most);
  }
}
