/** What stands in the way of a device. */
export type DeviceErrorCode =
  | 'invalid-option'
  | 'not-linux'
  | 'not-permitted'
  | 'no-tun' // /dev/net/tun is missing, or the kernel has no driver for it
  | 'name-in-use'
  | 'no-such-namespace'
  | 'address-in-use'
  | 'no-ip-command'
  | 'no-koffi'
  | 'gone' // the interface was deleted, or its stream ended
  | 'failed'; // anything else: the message says what the system said

/** A device cannot be opened, or works no longer. The message says in one line what would be right. */
export class DeviceError extends Error {
  readonly code: DeviceErrorCode;

  constructor(code: DeviceErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'DeviceError';
    this.code = code;
  }
}

/** What was thrown, in one line. */
export function messageOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return text.trim().replaceAll(/\s*\n\s*/g, '; ');
}

/** The `code` of a system error (`ENOENT`), or '' if it has none. */
export function codeOf(thrown: unknown): string {
  if (!(thrown instanceof Error) || !('code' in thrown)) return '';
  return String(thrown.code);
}
