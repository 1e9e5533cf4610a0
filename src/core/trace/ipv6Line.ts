import { formatIpv6 } from '../base/ipv6Text.ts';
import { Protocol } from '../base/ports.ts';
import type { Conversations } from './conversations.ts';
import { formatIcmp6 } from './icmp6Line.ts';
import { behind, holds, type Layer } from './layer.ts';
import { type Between, formatTcp } from './tcpLine.ts';
import { formatUdp } from './udpLine.ts';

const HEADER_LENGTH = 40;
/** Every extension header begins with eight octets at least. */
const EXTENSION_LENGTH = 8;
const FRAGMENT = 44;
const NO_NEXT_HEADER = 59;
const ICMP6 = 58;

/** Extension headers that are passed over, and what tcpdump says of them. @rfc 8200 4.1 */
const EXTENSIONS: ReadonlyMap<number, string> = new Map([
  [0, 'HBH '],
  [43, 'RT '],
  [60, 'DSTOPT '],
]);

/** `IP6 2001:db8::1.40000 > 2001:db8::2.80: Flags [.], ack 1, win 512, length 0` */
export function formatIpv6Datagram(layer: Layer, conversations: Conversations | null): string {
  const { view, at } = layer;
  if (!holds(layer, HEADER_LENGTH)) return 'IP6 [|ip6]';
  const version = view.getUint8(at) >>> 4;
  if (version !== 6) return `IP6 version error: ${version} != 6`;
  const end = at + HEADER_LENGTH + view.getUint16(at + 4);
  const missing = end - layer.end;
  const truncated = missing > 0 ? `truncated-ip6 - ${missing} bytes missing!` : '';
  const from = formatIpv6(view, at + 8);
  const to = formatIpv6(view, at + 24);
  const next = view.getUint8(at + 6);
  const payload = { view, at: at + HEADER_LENGTH, kept: Math.min(layer.kept, end), end };
  const isDirect = next === Protocol.TCP || next === Protocol.UDP;
  const text = isDirect
    ? formatTransport(payload, next, { from, to }, conversations)
    : formatExtended(payload, next, { from, to }, conversations);
  return `IP6 ${truncated}${text}`;
}

function formatTransport(
  payload: Layer,
  protocol: number,
  between: Between,
  conversations: Conversations | null,
): string {
  return protocol === Protocol.TCP
    ? formatTcp(payload, between, conversations)
    : formatUdp(payload, between);
}

/** What does not stand right behind the header: the addresses come first, the ports behind. */
function formatExtended(
  first: Layer,
  next: number,
  { from, to }: Between,
  conversations: Conversations | null,
): string {
  let text = `${from} > ${to}: `;
  let layer = first;
  let protocol = next;
  for (;;) {
    const name = EXTENSIONS.get(protocol);
    if (name === undefined && protocol !== FRAGMENT) break;
    if (!holds(layer, EXTENSION_LENGTH)) return `${text}[|ip6]`;
    const { view, at } = layer;
    const length = name === undefined ? EXTENSION_LENGTH : (view.getUint8(at + 1) + 1) * 8;
    protocol = view.getUint8(at);
    layer = behind(layer, length);
    text += name ?? '';
    if (name !== undefined) continue;
    const offset = view.getUint16(at + 2) & 0xfff8;
    text += `frag (${offset}|${Math.max(0, layer.end - layer.at)})`;
    if (offset !== 0) return text;
    text += ' ';
  }
  if (protocol === NO_NEXT_HEADER) return `${text}no next header`;
  if (protocol === ICMP6) return `${text}${formatIcmp6(layer, to)}`;
  if (protocol !== Protocol.TCP && protocol !== Protocol.UDP) {
    return `${text} ip-proto-${protocol} ${Math.max(0, layer.end - layer.at)}`;
  }
  const transport = formatTransport(layer, protocol, { from, to }, conversations);
  return `${text}${transport.replace(`${from}.`, '').replace(`> ${to}.`, '> ')}`;
}
