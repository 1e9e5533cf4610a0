import { formatIpv4, ipv4 } from '../base/address.ts';
import { Protocol } from '../base/ports.ts';
import { behind, holds, type Layer } from './layer.ts';

const HEADER_LENGTH = 8;
const IP_HEADER_LENGTH = 20;

/** What each code of Destination Unreachable says of the destination `d`; others tell more. */
const UNREACHABLE: ReadonlyMap<number, (d: string) => string> = new Map([
  [0, (d) => `net ${d} unreachable`],
  [1, (d) => `host ${d} unreachable`],
  [5, (d) => `${d} unreachable - source route failed`],
  [6, (d) => `net ${d} unreachable - unknown`],
  [7, (d) => `host ${d} unreachable - unknown`],
  [8, (d) => `${d} unreachable - source host isolated`],
  [9, (d) => `net ${d} unreachable - admin prohibited`],
  [10, (d) => `host ${d} unreachable - admin prohibited`],
  [11, (d) => `net ${d} unreachable - tos prohibited`],
  [12, (d) => `host ${d} unreachable - tos prohibited`],
  [13, (d) => `host ${d} unreachable - admin prohibited filter`],
  [14, (d) => `host ${d} unreachable - host precedence violation`],
  [15, (d) => `host ${d} unreachable - precedence cutoff`],
]);

const REDIRECT = [
  'redirect $ to net',
  'redirect $ to host',
  'redirect-tos $ to net',
  'redirect-tos $ to host',
] as const;

/** `ICMP echo request, id 1, seq 1, length 64` */
export function formatIcmp(layer: Layer): string {
  if (!holds(layer, HEADER_LENGTH)) return '[|icmp]';
  const what = formatMessage(layer);
  return what === null ? '[|icmp]' : `ICMP ${what}, length ${layer.end - layer.at}`;
}

/** null: what it quotes is not there. */
function formatMessage(layer: Layer): string | null {
  const { view, at } = layer;
  const type = view.getUint8(at);
  const code = view.getUint8(at + 1);
  switch (type) {
    case 0:
    case 8:
      return `echo ${type === 0 ? 'reply' : 'request'}, id ${view.getUint16(at + 4)}, seq ${view.getUint16(at + 6)}`;
    case 3:
      return formatUnreachable(layer, code);
    case 4:
      return 'source quench';
    case 5:
      return formatRedirect(layer, code);
    case 11:
      if (code === 0) return 'time exceeded in-transit';
      return code === 1 ? 'ip reassembly time exceeded' : `time exceeded-#${code}`;
    case 12:
      return code === 0
        ? `parameter problem - octet ${view.getUint8(at + 4)}`
        : `parameter problem - code ${code}`;
    default:
      return `type-#${type}`;
  }
}

function formatUnreachable(layer: Layer, code: number): string | null {
  const quoted = behind(layer, HEADER_LENGTH);
  if (!holds(quoted, IP_HEADER_LENGTH)) return null;
  const { view, at } = quoted;
  const destination = formatIpv4(ipv4(view.getUint32(at + 16)));
  const protocol = view.getUint8(at + 9);
  switch (code) {
    case 2:
      return `${destination} protocol ${protocol} unreachable`;
    case 3: {
      const transport = behind(quoted, (view.getUint8(at) & 15) * 4);
      if (!holds(transport, 4)) return null;
      const port = view.getUint16(transport.at + 2);
      return `${destination} ${portName(protocol)} ${port} unreachable`;
    }
    case 4: {
      const mtu = view.getUint16(layer.at + 6);
      const text = `${destination} unreachable - need to frag`;
      return mtu === 0 ? text : `${text} (mtu ${mtu})`;
    }
    default:
      return UNREACHABLE.get(code)?.(destination) ?? `${destination} unreachable - #${code}`;
  }
}

function portName(protocol: number): string {
  if (protocol === Protocol.TCP) return 'tcp port';
  return protocol === Protocol.UDP ? 'udp port' : `protocol ${protocol} port`;
}

function formatRedirect(layer: Layer, code: number): string | null {
  const quoted = behind(layer, HEADER_LENGTH);
  if (!holds(quoted, IP_HEADER_LENGTH)) return null;
  const destination = formatIpv4(ipv4(layer.view.getUint32(quoted.at + 16)));
  const router = formatIpv4(ipv4(layer.view.getUint32(layer.at + 4)));
  const text = (REDIRECT[code] ?? `redirect-#${code} $ to`).replace('$', destination);
  return `${text} ${router}`;
}
