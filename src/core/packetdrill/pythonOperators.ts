import type { Position } from './ast.ts';
import type { PythonValue } from './pythonSyntax.ts';
import { PythonProblem } from './pythonTokens.ts';

/** Operators of Python on the values that scripts have: numbers, texts and tuples. */

/** Characters that a text or tuple may grow to by an operator. */
const MAX_LENGTH = 10_000;

/** Does a value count as true? */
export function isTrue(value: PythonValue): boolean {
  if (typeof value === 'string' || Array.isArray(value)) return value.length > 0;
  return Boolean(value);
}

/** As print() would show it. */
export function show(value: PythonValue): string {
  if (value === null) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value === 'number' || typeof value === 'string') return String(value);
  const items = value.map((item) => (typeof item === 'string' ? `'${item}'` : show(item)));
  return items.length === 1 ? `(${items[0]},)` : `(${items.join(', ')})`;
}

/** `-a`, `+a`, `~a`, `not a`. @throws PythonProblem */
export function unary(operator: string, value: PythonValue, position: Position): PythonValue {
  if (operator === 'not') return !isTrue(value);
  const number = numberOf(value);
  if (number === null) return mismatch(operator, [value], position);
  switch (operator) {
    case '-':
      return -number;
    case '~':
      return -number - 1;
  }
  return number;
}

/** `a + b` and the like. @throws PythonProblem */
export function binary(
  operator: string,
  left: PythonValue,
  right: PythonValue,
  position: Position,
): PythonValue {
  if (operator === '%' && typeof left === 'string') return format(left, right, position);
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a !== null && b !== null) return arithmetic(operator, a, b, position);
  if (operator === '+') {
    if (typeof left === 'string' && typeof right === 'string') return bounded(left + right);
    if (Array.isArray(left) && Array.isArray(right))
      return [...left, ...right].slice(0, MAX_LENGTH);
  }
  if (operator === '*' && typeof left === 'string' && b !== null) {
    const times = Math.max(0, Math.min(b, MAX_LENGTH / Math.max(1, left.length)));
    return left.repeat(times);
  }
  return mismatch(operator, [left, right], position);
}

/** `a == b`, `a in b` and the like. @throws PythonProblem */
export function compare(
  operator: string,
  left: PythonValue,
  right: PythonValue,
  position: Position,
): boolean {
  switch (operator) {
    case '==':
    case 'is':
      return isEqual(left, right);
    case '!=':
    case 'is not':
      return !isEqual(left, right);
    case 'in':
      return isIn(left, right, position);
    case 'not in':
      return !isIn(left, right, position);
  }
  const order = orderOf(left, right) ?? mismatch(operator, [left, right], position);
  switch (operator) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    default:
      return order >= 0;
  }
}

function numberOf(value: PythonValue): number | null {
  if (typeof value === 'boolean') return Number(value);
  return typeof value === 'number' ? value : null;
}

function bounded(text: string): string {
  return text.slice(0, MAX_LENGTH);
}

function mismatch(operator: string, values: readonly PythonValue[], position: Position): never {
  const what = values.map((value) => bounded(show(value)).slice(0, 60)).join(' and ');
  throw new PythonProblem('error', position, `${operator} does not go with ${what}`);
}

function arithmetic(operator: string, a: number, b: number, position: Position): number {
  if (['/', '//', '%'].includes(operator) && b === 0) {
    throw new PythonProblem('error', position, `${a} ${operator} 0: a division by zero`);
  }
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    case '//':
      return Math.floor(a / b);
    case '%':
      // the remainder has the sign of the divisor
      return a - b * Math.floor(a / b);
    case '**':
      return a ** b;
    case '<<':
      return a * 2 ** b;
    case '>>':
      return Math.floor(a / 2 ** b);
  }
  return bitwise(operator, a, b, position);
}

/** `&`, `|` and `^` of up to 53 bits, in halves; negative numbers are two's complement of 32 bits. */
function bitwise(operator: string, a: number, b: number, position: Position): number {
  if (!Number.isSafeInteger(a) || !Number.isSafeInteger(b))
    return mismatch(operator, [a, b], position);
  const combine = (x: number, y: number): number => {
    if (operator === '&') return x & y;
    return operator === '|' ? x | y : x ^ y;
  };
  if (a < 0 || b < 0) return combine(a, b);
  const half = 2 ** 32;
  const high = combine(Math.floor(a / half), Math.floor(b / half)) >>> 0;
  return high * half + (combine((a % half) | 0, (b % half) | 0) >>> 0);
}

function isEqual(left: PythonValue, right: PythonValue): boolean {
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a !== null && b !== null) return a === b;
  if (!Array.isArray(left) || !Array.isArray(right)) return left === right;
  return left.length === right.length && left.every((item, at) => isEqual(item, right[at]));
}

function isIn(item: PythonValue, all: PythonValue, position: Position): boolean {
  if (typeof item === 'string' && typeof all === 'string') return all.includes(item);
  if (Array.isArray(all)) return all.some((other) => isEqual(item, other));
  return mismatch('in', [item, all], position);
}

/** Below 0: left is less; null: they have no order. */
function orderOf(left: PythonValue, right: PythonValue): number | null {
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a !== null && b !== null) return a - b;
  if (typeof left === 'string' && typeof right === 'string') {
    return left < right ? -1 : Number(left > right);
  }
  return null;
}

/** `'cwnd %d' % cwnd` */
function format(text: string, values: PythonValue, position: Position): string {
  const items: readonly PythonValue[] = Array.isArray(values) ? values : [values];
  let next = 0;
  const formatted = text.replace(
    /%(%|[-+ #0]*[0-9]*(?:\.([0-9]+))?[hlL]?([diouxXeEfFgGcrs]))/g,
    (_, all: string, digits: string | undefined, kind: string | undefined) => {
      if (all === '%') return '%';
      const value = items[next++];
      if (value === undefined) {
        throw new PythonProblem('error', position, 'not enough values for the format');
      }
      return formatOne(value, kind ?? 's', digits);
    },
  );
  return bounded(formatted);
}

function formatOne(value: PythonValue, kind: string, digits: string | undefined): string {
  const number = numberOf(value);
  if (number === null) return show(value);
  switch (kind) {
    case 'd':
    case 'i':
    case 'u':
      return String(Math.trunc(number));
    case 'x':
      return Math.trunc(number).toString(16);
    case 'X':
      return Math.trunc(number).toString(16).toUpperCase();
    case 'o':
      return Math.trunc(number).toString(8);
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
      return number.toFixed(Math.min(20, Number(digits ?? 6)));
  }
  return show(value);
}
