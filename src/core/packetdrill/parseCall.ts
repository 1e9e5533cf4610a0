import type { Micros } from '../base/time.ts';
import type { Expression, Field, SystemCall } from './ast.ts';
import type { Cursor } from './cursor.ts';

/** One system call: `socket(..., SOCK_STREAM, IPPROTO_TCP) = 3`. */

/** From the name on. */
export function parseCall(cursor: Cursor, until: Micros | null): SystemCall {
  const { position } = cursor.peek();
  const name = cursor.expectWord('the name of a system call');
  const args = parseArguments(cursor);
  cursor.expect('=', `and the result after ${name}(...)`);
  const result = parseExpression(cursor);
  const errno = cursor.seesKind('word') ? cursor.take().text : null;
  if (errno !== null && !/^E[A-Z0-9]+$/.test(errno)) {
    cursor.fail(`expected an errno as EAGAIN, found '${errno}'`, cursor.previous.position);
  }
  const notes: string[] = [];
  while (cursor.sees('(')) notes.push(parseNote(cursor));
  const note = notes.length === 0 ? null : notes.join(' ');
  return { kind: 'call', position, name, arguments: args, until, result, errno, note };
}

/** What is in parentheses, which may have more of them inside. */
function parseNote(cursor: Cursor): string {
  const opened = cursor.take();
  const from = cursor.index;
  let depth = 1;
  while (depth > 0) {
    if (cursor.isEnd()) cursor.fail('a note opens here and is not closed', opened.position);
    if (cursor.sees('(')) depth++;
    if (cursor.sees(')')) depth--;
    cursor.take();
  }
  return cursor.textFrom(from).replace(/\s*\)$/, '');
}

function parseArguments(cursor: Cursor): Expression[] {
  cursor.expect('(', `after ${cursor.previous.text}`);
  return parseItems(cursor, ')', parseExpression);
}

/** Items with commas between them, up to and with the closing bracket. */
function parseItems<T>(cursor: Cursor, close: string, parse: (cursor: Cursor) => T): T[] {
  const items: T[] = [];
  if (cursor.accept(close)) return items;
  do items.push(cursor.nested(() => parse(cursor)));
  while (cursor.accept(','));
  cursor.expect(close, 'or a comma');
  return items;
}

function parseExpression(cursor: Cursor): Expression {
  const { position } = cursor.peek();
  const first = parseTerm(cursor);
  if (!cursor.sees('|')) return first;
  const terms = [first];
  while (cursor.accept('|')) terms.push(parseTerm(cursor));
  return { position, kind: 'or', terms };
}

function parseTerm(cursor: Cursor): Expression {
  const { kind, text, position } = cursor.peek();
  switch (kind) {
    case 'ellipsis':
      cursor.take();
      return { position, kind };
    case 'integer':
    case 'hex':
      cursor.take();
      return { position, kind: 'integer', value: integerOf(cursor, text) };
    case 'string':
      return { position, kind, value: parseStrings(cursor), isPrefix: acceptPrefix(cursor) };
    case 'word':
      cursor.take();
      if (!cursor.sees('(')) return { position, kind: 'symbol', name: text };
      return { position, kind: 'apply', name: text, arguments: parseArguments(cursor) };
    case 'mark':
      if (cursor.accept('[')) {
        return { position, kind: 'list', items: parseItems(cursor, ']', parseExpression) };
      }
      if (cursor.accept('{')) {
        return { position, kind: 'structure', fields: parseItems(cursor, '}', parseField) };
      }
  }
  return cursor.fail(
    `expected a value: a number, a symbol, "text", [...], {...} or ..., found ${cursor.describe()}`,
  );
}

function integerOf(cursor: Cursor, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  return cursor.fail(`${text} is too large a number`, cursor.previous.position);
}

/** `"one" "text"` is one text. */
function parseStrings(cursor: Cursor): string {
  let value = '';
  while (cursor.seesKind('string')) value += cursor.take().text;
  return value;
}

function acceptPrefix(cursor: Cursor): boolean {
  if (!cursor.seesKind('ellipsis')) return false;
  cursor.take();
  cursor.sawNplab = true;
  return true;
}

/** `name=value`, `name(count)=value` or a value. */
function parseField(cursor: Cursor): Field {
  const value = parseExpression(cursor);
  if (!cursor.sees('=')) return { name: null, count: null, value };
  const equals = cursor.take();
  if (value.kind === 'symbol') {
    return { name: value.name, count: null, value: parseExpression(cursor) };
  }
  if (value.kind !== 'apply') {
    return cursor.fail("expected a field's name before '='", equals.position);
  }
  const [count = null] = value.arguments;
  return { name: value.name, count, value: parseExpression(cursor) };
}
