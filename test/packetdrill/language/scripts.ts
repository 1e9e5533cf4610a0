import type { ExecutionContext } from 'ava';
import type {
  Action,
  IcmpPacket,
  Script,
  ScriptEvent,
  SystemCall,
  TcpPacket,
} from '../../../src/core/packetdrill/ast.ts';
import { type ParseOptions, parseScript } from '../../../src/core/packetdrill/parser.ts';
import { describeError } from '../../../src/core/packetdrill/scriptError.ts';

/** What tests of the language ask again and again. */

/** The script that a text is. */
export function parsed(t: ExecutionContext, text: string, options: ParseOptions = {}): Script {
  const script = parseScript(text, options);
  if (script.kind === 'script') return script;
  t.fail(describeError('script', script));
  throw new TypeError('no script');
}

/** The only event of a script at time 0, whose action this is. */
export function eventOf(t: ExecutionContext, text: string): ScriptEvent {
  const { events } = parsed(t, text);
  t.is(events.length, 1);
  const [event] = events;
  if (event === undefined) throw new TypeError('no event');
  return event;
}

/** An action of a kind at time 0. */
function actionOf<K extends Action['kind']>(
  t: ExecutionContext,
  text: string,
  kind: K,
): Extract<Action, { kind: K }> {
  const { action } = eventOf(t, `0 ${text}`);
  if (isOf(action, kind)) return action;
  t.fail(`${text} is ${JSON.stringify(action)}`);
  throw new TypeError(`not ${kind}`);
}

function isOf<K extends Action['kind']>(
  action: Action,
  kind: K,
): action is Extract<Action, { kind: K }> {
  return action.kind === kind;
}

/** `> S 0:0(0)` as parsed. */
export function tcpOf(t: ExecutionContext, text: string): TcpPacket {
  return actionOf(t, text, 'tcp');
}

export function icmpOf(t: ExecutionContext, text: string): IcmpPacket {
  return actionOf(t, text, 'icmp');
}

export function callOf(t: ExecutionContext, text: string): SystemCall {
  return actionOf(t, text, 'call');
}

/** The error of a text, as a user sees it without the name of the file. */
export function errorOf(t: ExecutionContext, text: string, options: ParseOptions = {}): string {
  const script = parseScript(text, options);
  if (script.kind === 'error') return describeError('f', script).slice(2);
  t.fail(`no error in ${text}`);
  return '';
}

/** Places and source texts left out, which differ between two ways to write the same. */
export function meaningOf(script: Script): unknown {
  return JSON.parse(
    JSON.stringify(script, (key, value: unknown) => {
      if (key === 'position' || key === 'text') return undefined;
      return value instanceof Uint8Array ? [...value] : value;
    }),
  );
}
