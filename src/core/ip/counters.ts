/**
 * Datagrams that arrived, by the ECN codepoint in which routers have left them. The names are those of
 * Linux's IpExt, so that `nstat` of the peer can be laid beside them.
 *
 * @rfc 3168 5
 */
export class IpCounters {
  InNoECTPkts = 0;
  InECT1Pkts = 0;
  InECT0Pkts = 0;
  InCEPkts = 0;
}

/** One more, with this octet of DSCP and ECN. */
export function countCodepoint(counters: IpCounters, trafficClass: number): void {
  switch (trafficClass & 3) {
    case 0:
      counters.InNoECTPkts++;
      break;
    case 1:
      counters.InECT1Pkts++;
      break;
    case 2:
      counters.InECT0Pkts++;
      break;
    default:
      counters.InCEPkts++;
  }
}
