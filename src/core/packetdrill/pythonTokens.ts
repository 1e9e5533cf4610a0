import type { Position } from './ast.ts';

/**
 * Cuts the Python of `%{ }%` into logical lines of tokens: a line goes on after a backslash and
 * inside of brackets; comments end lines.
 */

/** Why a piece of Python cannot be run here. */
export class PythonProblem extends Error {
  /** `error`: it is wrong; `unsupported`: it is more than this evaluator knows. */
  readonly kind: 'error' | 'unsupported';
  readonly position: Position;

  constructor(kind: 'error' | 'unsupported', position: Position, message: string) {
    super(message);
    this.name = 'PythonProblem';
    this.kind = kind;
    this.position = position;
  }
}

/** A token of a line. */
export interface PythonToken {
  readonly kind: 'name' | 'number' | 'string' | 'operator' | 'end';
  /** A string's value; else as written. */
  readonly text: string;
  readonly position: Position;
  /** Where it is in the text: from `start` to `end`, exclusive. */
  readonly start: number;
  readonly end: number;
}

/** A line, with its `end` token last. */
export interface PythonLine {
  /** Blanks before it, a tab going on to the next multiple of 8. */
  readonly indent: number;
  readonly tokens: readonly PythonToken[];
}

const BLANKS = /[ \t\r\f]+|\\\r?\n/y;
const COMMENT = /#[^\n]*/y;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER =
  /0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?/y;
const OPERATOR = /\*\*=|\/\/=|<<=|>>=|\*\*|\/\/|<<|>>|[<>=!+\-*/%&|^]=|[-+*/%&|^~<>=()[\]{},:;.@]/y;
const STRING = /[rRbBuUfF]{0,2}("""|'''|"|')/y;

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '0': '\0',
  '\n': '',
};

/**
 * Cuts code into lines; empty ones are left out.
 *
 * @param origin where the first character stands in the script
 * @throws PythonProblem
 */
export function pythonLines(text: string, origin: Position): readonly PythonLine[] {
  return new Lines(text, origin).run();
}

class Lines {
  readonly #text: string;
  readonly #origin: Position;
  readonly #lines: PythonLine[] = [];
  #tokens: PythonToken[] = [];
  #at = 0;
  #line = 0;
  #lineStart = 0;
  #indent = 0;
  /** Brackets that are open. */
  #depth = 0;

  constructor(text: string, origin: Position) {
    this.#text = text;
    this.#origin = origin;
  }

  run(): readonly PythonLine[] {
    this.#measureIndent();
    while (this.#at < this.#text.length) {
      if (this.#skip(BLANKS) || this.#skip(COMMENT)) continue;
      if (this.#text[this.#at] === '\n') this.#newline();
      else this.#token();
    }
    this.#endLine();
    return this.#lines;
  }

  #position(): Position {
    const column = this.#at - this.#lineStart;
    const { line, column: first } = this.#origin;
    return this.#line === 0
      ? { line, column: first + column }
      : { line: line + this.#line, column: column + 1 };
  }

  #match(shape: RegExp): string | null {
    shape.lastIndex = this.#at;
    return shape.exec(this.#text)?.[0] ?? null;
  }

  /** Goes on over characters that may contain line ends. */
  #advance(length: number): void {
    const end = this.#at + length;
    for (;;) {
      const lineEnd = this.#text.indexOf('\n', this.#at);
      if (lineEnd < 0 || lineEnd >= end) break;
      this.#line++;
      this.#at = lineEnd + 1;
      this.#lineStart = this.#at;
    }
    this.#at = end;
  }

  #skip(shape: RegExp): boolean {
    const found = this.#match(shape);
    if (found === null) return false;
    this.#advance(found.length);
    return true;
  }

  #newline(): void {
    if (this.#depth === 0) this.#endLine();
    this.#advance(1);
    if (this.#depth === 0) this.#measureIndent();
  }

  #measureIndent(): void {
    this.#indent = 0;
    for (let at = this.#at; at < this.#text.length; at++) {
      const char = this.#text[at];
      if (char === ' ') this.#indent++;
      else if (char === '\t') this.#indent = (Math.floor(this.#indent / 8) + 1) * 8;
      else break;
    }
  }

  #endLine(): void {
    if (this.#tokens.length === 0) return;
    this.#push('end', '', 0);
    this.#lines.push({ indent: this.#indent, tokens: this.#tokens });
    this.#tokens = [];
  }

  #push(kind: PythonToken['kind'], text: string, length: number): void {
    const start = this.#at;
    this.#tokens.push({ kind, text, position: this.#position(), start, end: start + length });
    this.#advance(length);
  }

  #token(): void {
    const opening = this.#match(STRING);
    if (opening !== null) {
      this.#string(opening);
      return;
    }
    const name = this.#match(NAME);
    if (name !== null) {
      this.#push('name', name, name.length);
      return;
    }
    const number = this.#match(NUMBER);
    if (number !== null) {
      this.#push('number', number, number.length);
      return;
    }
    const operator = this.#match(OPERATOR);
    if (operator === null) {
      const char = JSON.stringify(this.#text[this.#at]);
      throw new PythonProblem('error', this.#position(), `${char} is no Python`);
    }
    if ('([{'.includes(operator)) this.#depth++;
    if (')]}'.includes(operator)) this.#depth = Math.max(0, this.#depth - 1);
    this.#push('operator', operator, operator.length);
  }

  #string(opening: string): void {
    const quote = opening.replace(/^[rRbBuUfF]+/, '');
    const isRaw = /r/i.test(opening.slice(0, opening.length - quote.length));
    let value = '';
    for (let at = this.#at + opening.length; at < this.#text.length; at++) {
      if (this.#text.startsWith(quote, at)) {
        this.#push('string', value, at + quote.length - this.#at);
        return;
      }
      const char = this.#text.charAt(at);
      if (char === '\n' && quote.length === 1) break;
      if (char === '\\' && !isRaw) {
        const escaped = this.#text.charAt(++at);
        value += ESCAPES[escaped] ?? escaped;
      } else value += char;
    }
    throw new PythonProblem('error', this.#position(), 'a text opens here and is not closed');
  }
}
