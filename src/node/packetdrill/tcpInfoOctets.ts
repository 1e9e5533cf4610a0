import type { InfoNames } from '../../core/packetdrill/host/host.ts';

/** Octets of `struct tcp_info`, as of Linux 6.7. */
export const TCP_INFO_LENGTH = 248;

/** Where the fields stand, and how wide they are (linux/tcp.h). */
const FIELDS: readonly (readonly [string, number, 1 | 2 | 4 | 8])[] = [
  ['state', 0, 1],
  ['ca_state', 1, 1],
  ['retransmits', 2, 1],
  ['probes', 3, 1],
  ['backoff', 4, 1],
  ['options', 5, 1],
  ['rto', 8, 4],
  ['ato', 12, 4],
  ['snd_mss', 16, 4],
  ['rcv_mss', 20, 4],
  ['unacked', 24, 4],
  ['sacked', 28, 4],
  ['lost', 32, 4],
  ['retrans', 36, 4],
  ['fackets', 40, 4],
  ['last_data_sent', 44, 4],
  ['last_ack_sent', 48, 4],
  ['last_data_recv', 52, 4],
  ['last_ack_recv', 56, 4],
  ['pmtu', 60, 4],
  ['rcv_ssthresh', 64, 4],
  ['rtt', 68, 4],
  ['rttvar', 72, 4],
  ['snd_ssthresh', 76, 4],
  ['snd_cwnd', 80, 4],
  ['advmss', 84, 4],
  ['reordering', 88, 4],
  ['rcv_rtt', 92, 4],
  ['rcv_space', 96, 4],
  ['total_retrans', 100, 4],
  ['pacing_rate', 104, 8],
  ['max_pacing_rate', 112, 8],
  ['bytes_acked', 120, 8],
  ['bytes_received', 128, 8],
  ['segs_out', 136, 4],
  ['segs_in', 140, 4],
  ['notsent_bytes', 144, 4],
  ['min_rtt', 148, 4],
  ['data_segs_in', 152, 4],
  ['data_segs_out', 156, 4],
  ['delivery_rate', 160, 8],
  ['busy_time', 168, 8],
  ['rwnd_limited', 176, 8],
  ['sndbuf_limited', 184, 8],
  ['delivered', 192, 4],
  ['delivered_ce', 196, 4],
  ['bytes_sent', 200, 8],
  ['bytes_retrans', 208, 8],
  ['dsack_dups', 216, 4],
  ['reord_seen', 220, 4],
  ['rcv_ooopack', 224, 4],
  ['snd_wnd', 228, 4],
  ['rcv_wnd', 232, 4],
  ['rehash', 236, 4],
  ['total_rto', 240, 2],
  ['total_rto_recoveries', 242, 2],
  ['total_rto_time', 244, 4],
];

/** The fields of a `struct tcp_info` by their names. */
export function tcpInfoNames(octets: Uint8Array): InfoNames {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
  const names = new Map<string, number>();
  for (const [name, at, width] of FIELDS) {
    if (at + width > octets.length) break;
    names.set(`tcpi_${name}`, numberAt(view, at, width));
  }
  const scales = view.getUint8(6);
  names.set('tcpi_snd_wscale', scales & 15);
  names.set('tcpi_rcv_wscale', scales >>> 4);
  names.set('tcpi_delivery_rate_app_limited', view.getUint8(7) & 1);
  names.set('tcpi_fastopen_client_fail', (view.getUint8(7) >>> 1) & 3);
  return names;
}

function numberAt(view: DataView, at: number, width: 1 | 2 | 4 | 8): number {
  switch (width) {
    case 1:
      return view.getUint8(at);
    case 2:
      return view.getUint16(at, true);
    case 4:
      return view.getUint32(at, true);
    case 8:
      return Number(view.getBigUint64(at, true));
  }
}
