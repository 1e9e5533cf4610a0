import type { Micros } from '../base/time.ts';
import { SECOND } from '../base/time.ts';
import type { CapturedPacket } from '../capture/capturedPacket.ts';
import { LinkType, networkLayer } from '../capture/networkLayer.ts';
import type { Conversations } from '../trace/conversations.ts';
import { formatEthernet, formatNetwork } from '../trace/line.ts';

/**
 * A packet of a capture in the notation of `tcpdump -n`, without its time, whatever it begins with.
 * @param conversations what sequence numbers are counted from
 */
export function formatPacket(packet: CapturedPacket, conversations: Conversations): string {
  const { octets, originalLength, linkType } = packet;
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
  const end = Math.max(originalLength, octets.length);
  const layer = networkLayer(packet);
  const network = layer && { view, at: layer.offset, kept: octets.length, end };
  const line = layer && network && formatNetwork(network, layer.etherType, conversations);
  if (line !== null) return line;
  if (linkType !== LinkType.ETHERNET) return `link type ${linkType}, length ${end}`;
  return formatEthernet({ view, at: 0, kept: octets.length, end }, conversations);
}

/** `19:43:41.634774`: the time of day, in UTC. */
export function formatTimeOfDay(time: Micros): string {
  const seconds = Math.floor(time / SECOND);
  const two = (n: number): string => String(n).padStart(2, '0');
  const day = `${two(Math.floor(seconds / 3600) % 24)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return `${day}.${String(time % SECOND).padStart(6, '0')}`;
}
