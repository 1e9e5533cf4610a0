import type { Duplex } from 'node:stream';
import { isFunction } from './connectOptions.ts';

/**
 * Makes a destroyed stream usable again, as a socket may be that connects a second time. Node's
 * streams have a method for it that is in no type: it serves the sockets of node:net alone.
 */
export function undestroy(stream: Duplex): void {
  const method: unknown = Reflect.get(stream, '_undestroy');
  if (isFunction(method)) Reflect.apply(method, stream, []);
}
