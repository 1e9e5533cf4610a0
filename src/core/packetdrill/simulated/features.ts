import { Flag } from '../../wire/tcp.ts';
import type { Script, TcpPacket } from '../ast.ts';

/** What this stack does not speak; a script about it says nothing about the rest. */
const ACCURATE_ECN = 'accurate ECN';
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
  if ((flags & Flag.AE) !== 0 || ace !== null || ip.ecn === 'ect1') return ACCURATE_ECN;
  if (options === 'any') return null;
  for (const option of options) {
    const { kind } = option;
    if (kind === 'accurateEcn') return ACCURATE_ECN;
    if (kind === 'md5') return MD5;
  }
  return null;
}
