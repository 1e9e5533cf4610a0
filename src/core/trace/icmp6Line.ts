import { formatIpv6 } from '../base/ipv6Text.ts';
import { Protocol } from '../base/ports.ts';
import { behind, holds, type Layer } from './layer.ts';

const HEADER_LENGTH = 8;
const IPV6_HEADER_LENGTH = 40;
const ADDRESS_LENGTH = 16;

/** Messages that are told by their type alone. */
const NAMES: ReadonlyMap<number, string> = new Map([
  [130, 'multicast listener query'],
  [131, 'multicast listener report'],
  [132, 'multicast listener done'],
  [133, 'router solicitation'],
  [134, 'router advertisement'],
  [137, 'redirect'],
]);

/**
 * `ICMP6, echo request, id 1, seq 1, length 64`
 * @param to the destination of the datagram
 * @rfc 4443
 */
export function formatIcmp6(layer: Layer, to: string): string {
  if (!holds(layer, HEADER_LENGTH)) return '[|icmp6]';
  const what = formatMessage(layer, to);
  return what === null ? '[|icmp6]' : `ICMP6, ${what}, length ${layer.end - layer.at}`;
}

/** null: what it must hold is not there. */
function formatMessage(layer: Layer, to: string): string | null {
  const { view, at } = layer;
  const type = view.getUint8(at);
  const code = view.getUint8(at + 1);
  switch (type) {
    case 1:
      return formatUnreachable(layer, code);
    case 2:
      return `packet too big, mtu ${view.getUint32(at + 4)}`;
    case 3:
      if (code === 0) return `time exceeded in-transit for ${quotedDestination(layer) ?? to}`;
      return 'time exceeded in-transit (reassembly)';
    case 4: {
      const what = code === 0 ? 'erroneous' : code === 1 ? 'next header' : 'option';
      return `parameter problem, ${what} - octet ${view.getUint32(at + 4)}`;
    }
    case 128:
    case 129:
      return `echo ${type === 128 ? 'request' : 'reply'}, id ${view.getUint16(at + 4)}, seq ${view.getUint16(at + 6)}`;
    case 135:
    case 136: {
      if (!holds(layer, HEADER_LENGTH + ADDRESS_LENGTH)) return null;
      const target = formatIpv6(view, at + HEADER_LENGTH);
      return type === 135
        ? `neighbor solicitation, who has ${target}`
        : `neighbor advertisement, tgt is ${target}`;
    }
    case 143:
      return `multicast listener report v2, ${view.getUint16(at + 6)} group record(s)`;
    default:
      return NAMES.get(type) ?? `type-#${type}`;
  }
}

function quotedDestination(layer: Layer): string | null {
  const quoted = behind(layer, HEADER_LENGTH);
  return holds(quoted, IPV6_HEADER_LENGTH) ? formatIpv6(layer.view, quoted.at + 24) : null;
}

/** @rfc 4443 3.1 */
function formatUnreachable(layer: Layer, code: number): string | null {
  const destination = quotedDestination(layer);
  if (destination === null) return null;
  const quoted = behind(layer, HEADER_LENGTH);
  const what = 'destination unreachable';
  switch (code) {
    case 0:
      return `${what}, unreachable route ${destination}`;
    case 1:
      return `${what},  unreachable prohibited ${destination}`;
    case 2: {
      const source = formatIpv6(quoted.view, quoted.at + 8);
      return `${what}, beyond scope ${destination}, source address ${source}`;
    }
    case 3:
      return `${what}, unreachable address ${destination}`;
    case 4: {
      const transport = behind(quoted, IPV6_HEADER_LENGTH);
      if (!holds(transport, 4)) return null;
      const port = quoted.view.getUint16(transport.at + 2);
      return `${what}, unreachable port, ${destination} ${portName(quoted)} ${port}`;
    }
    default:
      return `${what}, unknown unreach code (${code})`;
  }
}

function portName({ view, at }: Layer): string {
  const protocol = view.getUint8(at + 6);
  if (protocol === Protocol.TCP) return 'tcp port';
  return protocol === Protocol.UDP ? 'udp port' : `protocol ${protocol} port`;
}
