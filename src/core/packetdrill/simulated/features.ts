import { Flag } from '../../wire/tcp.ts';
import type { IpInfo, Script, TcpPacket } from '../ast.ts';

/** The bit above the eight of `Flag`. */
const AE = 256;
const ECN_FLAGS = Flag.ECE | Flag.CWR | AE;

/** What this stack does not speak; a script about it says nothing about the rest. */
const ECN = 'ECN';
const MD5 = 'TCP MD5 signatures';

/**
 * A feature that this stack has not got and a script expects of it, so that the script is neither passed
 * nor failed; null: none.
 */
export function missingFeature({ events }: Script): string | null {
  for (const { action } of events) {
    const missing = action.kind === 'tcp' ? ofPacket(action) : null;
    if (missing !== null) return missing;
  }
  return null;
}

/** Only what is expected to be sent: anything may arrive. */
function ofPacket({ direction, flags, ace, ip, options }: TcpPacket): string | null {
  if (direction === 'inbound') return null;
  if ((flags & ECN_FLAGS) !== 0 || ace !== null || isEcnCapable(ip)) return ECN;
  if (options === 'any') return null;
  for (const option of options) {
    const { kind } = option;
    if (kind === 'accurateEcn') return ECN;
    if (kind === 'md5') return MD5;
  }
  return null;
}

function isEcnCapable({ ecn }: IpInfo): boolean {
  return ecn !== null && ecn !== 'noecn';
}
