import { type Micros, SECOND } from '../../base/time.ts';
import type { Expression } from '../ast.ts';
import type { ControlData, ControlMessage, ExtendedError } from '../host/calls.ts';
import type { Difference } from './match.ts';
import { fieldOf, fieldsOf, isEllipsis, itemsOf, numberOf } from './values.ts';

/** What the times that a script writes into structures mean on the host's clock. */
export interface ScriptClock {
  /** When the script began. */
  readonly origin: Micros;
  readonly tolerance: Micros;
}

const ERROR_FIELDS: readonly (keyof ExtendedError)[] = [
  'errno',
  'origin',
  'type',
  'code',
  'info',
  'data',
];
const NANOS = 1000;

/** `msg_control` of recvmsg() beside what was told. @throws Unsupported */
export function compareControl(
  expected: Expression | undefined,
  control: readonly ControlMessage[],
  clock: ScriptClock,
): Difference[] {
  if (isEllipsis(expected)) return [];
  const wanted = itemsOf(expected);
  const isSame =
    wanted.length === control.length &&
    control.every((message, i) => isSameMessage(wanted[i], message, clock));
  if (isSame) return [];
  const got = control.map((message) => messageText(message, clock)).join(', ') || 'none';
  const want = wanted.map((item) => wantedText(item)).join(', ') || 'none';
  return [{ field: 'msg_control', expected: want, actual: got }];
}

function isSameMessage(
  wanted: Expression | undefined,
  { level, type, data }: ControlMessage,
  clock: ScriptClock,
): boolean {
  const fields = fieldsOf(wanted);
  const isKind =
    numberOf(fieldOf(fields, 'cmsg_level')) === level &&
    numberOf(fieldOf(fields, 'cmsg_type')) === type;
  return isKind && isSameData(fieldOf(fields, 'cmsg_data'), data, clock);
}

function isSameData(
  wanted: Expression | undefined,
  data: ControlData,
  { origin, tolerance }: ScriptClock,
): boolean {
  if (isEllipsis(wanted)) return true;
  switch (data.kind) {
    case 'number':
      return numberOf(wanted) === data.value;
    case 'time':
      return Math.abs(timeOf(wanted) - (data.at - origin)) <= tolerance;
    case 'error':
      return ERROR_FIELDS.every((name) => {
        const part = fieldOf(fieldsOf(wanted), `ee_${name}`);
        return isEllipsis(part) || numberOf(part) === data.error[name];
      });
  }
}

/** `{scm_sec=0, scm_nsec=20000000}`: a time of the script. */
function timeOf(expression: Expression | undefined): Micros {
  const fields = fieldsOf(expression);
  const [seconds, nanos] = [fieldOf(fields, 'scm_sec'), fieldOf(fields, 'scm_nsec')];
  return numberOf(seconds) * SECOND + Math.round(numberOf(nanos) / NANOS);
}

function messageText({ level, type, data }: ControlMessage, { origin }: ScriptClock): string {
  switch (data.kind) {
    case 'number':
      return `${level} ${type} ${data.value}`;
    case 'time':
      return `${level} ${type} ${((data.at - origin) / SECOND).toFixed(6)} s`;
    case 'error':
      return `${level} ${type} {${ERROR_FIELDS.map((n) => `ee_${n}=${data.error[n]}`).join(' ')}}`;
  }
}

function wantedText(item: Expression): string {
  const fields = fieldsOf(item);
  const data = fieldOf(fields, 'cmsg_data');
  const part = (name: string): number => numberOf(fieldOf(fields, name));
  return `${part('cmsg_level')} ${part('cmsg_type')} ${dataText(data)}`;
}

function dataText(data: Expression | undefined): string {
  if (data?.kind !== 'structure') return isEllipsis(data) ? '...' : `${numberOf(data)}`;
  if (data.fields.some(({ name }) => name === 'scm_sec')) {
    return `${(timeOf(data) / SECOND).toFixed(6)} s`;
  }
  const parts = data.fields.map(({ name, value }) =>
    isEllipsis(value) ? `${name}=...` : `${name}=${numberOf(value)}`,
  );
  return `{${parts.join(' ')}}`;
}
