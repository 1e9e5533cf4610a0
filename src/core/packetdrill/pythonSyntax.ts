import type { Position } from './ast.ts';
import { type PythonLine, PythonProblem, type PythonToken, pythonLines } from './pythonTokens.ts';

/**
 * Reads the Python that scripts use: assert, print, assignments, if, and expressions of numbers,
 * texts, comparisons and logic. Anything more is unsupported.
 */

/** A value of Python, as far as it is known here; None is null. */
export type PythonValue = number | string | boolean | null | readonly PythonValue[];

/** An expression of Python; `position` is where an error in it is reported. */
export type PythonExpression = { readonly position: Position } & (
  | { readonly kind: 'constant'; readonly value: PythonValue }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'unary'; readonly operator: string; readonly operand: PythonExpression }
  | {
      readonly kind: 'binary';
      readonly operator: string;
      readonly left: PythonExpression;
      readonly right: PythonExpression;
    }
  /** `a <= b < c` */
  | {
      readonly kind: 'comparison';
      readonly first: PythonExpression;
      readonly links: readonly { readonly operator: string; readonly operand: PythonExpression }[];
    }
  | {
      readonly kind: 'logic';
      readonly operator: 'and' | 'or';
      readonly left: PythonExpression;
      readonly right: PythonExpression;
    }
  | {
      readonly kind: 'choice';
      readonly condition: PythonExpression;
      readonly then: PythonExpression;
      readonly otherwise: PythonExpression;
    }
  | { readonly kind: 'tuple'; readonly items: readonly PythonExpression[] }
  | {
      readonly kind: 'call';
      readonly name: string;
      readonly arguments: readonly PythonExpression[];
    }
);

/** A statement of Python. */
export type PythonStatement = { readonly position: Position } & (
  | {
      readonly kind: 'assert';
      readonly condition: PythonExpression;
      readonly message: PythonExpression | null;
      /** The condition as written, on one line. */
      readonly text: string;
    }
  | { readonly kind: 'print'; readonly values: readonly PythonExpression[] }
  | {
      readonly kind: 'assign';
      readonly names: readonly string[];
      /** `+` of `+=`; null: `=`. */
      readonly operator: string | null;
      readonly value: PythonExpression;
    }
  | { readonly kind: 'expression'; readonly value: PythonExpression }
  | {
      readonly kind: 'if';
      readonly branches: readonly {
        readonly condition: PythonExpression;
        readonly body: readonly PythonStatement[];
      }[];
      readonly otherwise: readonly PythonStatement[];
    }
);

/** Brackets, blocks and operators inside of each other. */
const MAX_NESTING = 64;

/** Operators of one line. */
const MAX_OPERATORS = 500;

/** Statements and words that scripts do without. */
const UNKNOWN = new Set(
  'import from def class for while try with return lambda del global raise yield async await'.split(
    ' ',
  ),
);

/** From loosest to tightest; all are left-associative. */
const LEVELS: readonly (readonly string[])[] = [
  ['|'],
  ['^'],
  ['&'],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '//', '%'],
];

const COMPARISONS = ['==', '!=', '<=', '>=', '<', '>'];

/**
 * Reads a piece of code.
 *
 * @param origin where the first character stands in the script
 * @throws PythonProblem
 */
export function parsePython(text: string, origin: Position): readonly PythonStatement[] {
  return new Blocks(text, pythonLines(text, origin)).block(-1, 0);
}

/** What lines are to each other. */
class Blocks {
  readonly #text: string;
  readonly #lines: readonly PythonLine[];
  #index = 0;

  constructor(text: string, lines: readonly PythonLine[]) {
    this.#text = text;
    this.#lines = lines;
  }

  /**
   * The lines that are indented deeper than `indent`. Unlike in Python, lines of one block need not
   * begin below each other: the first line of code stands behind `%{`.
   */
  block(indent: number, depth: number): readonly PythonStatement[] {
    const statements: PythonStatement[] = [];
    for (;;) {
      const line = this.#lines[this.#index];
      if (line === undefined || line.indent <= indent) return statements;
      this.#index++;
      const reader = new LineReader(this.#text, line.tokens);
      if (reader.sees('if')) statements.push(this.#if(line, reader, depth));
      else statements.push(...reader.statements());
    }
  }

  #if(line: PythonLine, reader: LineReader, depth: number): PythonStatement {
    const { position } = reader.peek();
    if (depth >= MAX_NESTING) throw new PythonProblem('unsupported', position, 'blocks this deep');
    reader.take();
    const condition = reader.expression();
    const branches = [{ condition, body: this.#suite(line, reader, depth) }];
    for (;;) {
      const next = this.#lines[this.#index];
      const [first] = next?.tokens ?? [];
      if (next === undefined || next.indent !== line.indent || first?.kind !== 'name') break;
      const following = new LineReader(this.#text, next.tokens);
      if (following.accept('elif')) {
        this.#index++;
        const other = following.expression();
        branches.push({ condition: other, body: this.#suite(next, following, depth) });
      } else if (following.accept('else')) {
        this.#index++;
        const otherwise = this.#suite(next, following, depth);
        return { position, kind: 'if', branches, otherwise };
      } else break;
    }
    return { position, kind: 'if', branches, otherwise: [] };
  }

  /** What follows a colon: the rest of the line, or an indented block. */
  #suite(line: PythonLine, reader: LineReader, depth: number): readonly PythonStatement[] {
    reader.expect(':');
    if (!reader.isEnd()) return reader.statements();
    const body = this.block(line.indent, depth + 1);
    if (body.length === 0) reader.fail('an indented block is missing after the colon');
    return body;
  }
}

/** Statements and expressions of one line. */
class LineReader {
  readonly #text: string;
  readonly #tokens: readonly PythonToken[];
  readonly #end: PythonToken;
  #index = 0;
  #depth = 0;
  #operators = 0;

  constructor(text: string, tokens: readonly PythonToken[]) {
    const end = tokens.at(-1);
    if (end === undefined) throw new TypeError('a line without an end');
    this.#text = text;
    this.#tokens = tokens;
    this.#end = end;
  }

  peek(ahead = 0): PythonToken {
    return this.#tokens[this.#index + ahead] ?? this.#end;
  }

  take(): PythonToken {
    const token = this.peek();
    if (token.kind !== 'end') this.#index++;
    return token;
  }

  isEnd(): boolean {
    return this.peek().kind === 'end';
  }

  /** A name or operator. */
  sees(text: string, ahead = 0): boolean {
    const { kind, text: written } = this.peek(ahead);
    return (kind === 'name' || kind === 'operator') && written === text;
  }

  accept(text: string): boolean {
    if (!this.sees(text)) return false;
    this.take();
    return true;
  }

  expect(text: string): void {
    if (!this.accept(text)) this.fail(`expected '${text}', found ${this.#found()}`);
  }

  fail(message: string): never {
    throw new PythonProblem('error', this.peek().position, message);
  }

  #found(): string {
    return this.isEnd() ? 'the end of the line' : `'${this.peek().text}'`;
  }

  #unsupported(what: string, position = this.peek().position): never {
    throw new PythonProblem('unsupported', position, what);
  }

  /** Up to the end of the line, with semicolons between them. */
  statements(): PythonStatement[] {
    const statements: PythonStatement[] = [];
    while (!this.isEnd()) {
      if (!this.accept('pass')) statements.push(this.#statement());
      if (this.isEnd()) break;
      this.expect(';');
    }
    return statements;
  }

  #statement(): PythonStatement {
    const { kind, text, position } = this.peek();
    if (kind === 'name' && UNKNOWN.has(text)) this.#unsupported(`Python's ${text}`);
    if (this.accept('assert')) return this.#assert(position);
    if (this.sees('print')) return this.#print(position);
    if (kind === 'name') {
      const assignment = this.#assignment(position);
      if (assignment !== null) return assignment;
    }
    return { position, kind: 'expression', value: this.#tuple() };
  }

  #assert(position: Position): PythonStatement {
    const from = this.peek().start;
    const condition = this.expression();
    const text = this.#textFrom(from);
    const message = this.accept(',') ? this.expression() : null;
    return { position, kind: 'assert', condition, message, text };
  }

  #textFrom(start: number): string {
    const end = this.#tokens[this.#index - 1]?.end ?? start;
    return this.#text.slice(start, end).replace(/\\\n|\s+/g, ' ');
  }

  /** `print(a, b)`, or Python 2's `print a, b`. */
  #print(position: Position): PythonStatement {
    this.take();
    if (this.peek().kind === 'string' && this.sees('.', 1)) {
      // text.format(): what it would show is no part of a test
      while (!this.isEnd() && !this.sees(';')) this.take();
    }
    const value = this.isEnd() || this.sees(';') ? null : this.#tuple();
    if (value === null) return { position, kind: 'print', values: [] };
    return { position, kind: 'print', values: value.kind === 'tuple' ? value.items : [value] };
  }

  /** `a = b = 1` or `a += 1`; null: it is none. */
  #assignment(position: Position): PythonStatement | null {
    const operator = this.peek(1).text;
    const isOperator = this.peek(1).kind === 'operator';
    if (isOperator && /^(\*\*|\/\/|<<|>>|[-+*/%&|^])=$/.test(operator)) {
      const names = [this.take().text];
      this.take();
      const value = this.#tuple();
      return { position, kind: 'assign', names, operator: operator.slice(0, -1), value };
    }
    const names: string[] = [];
    while (this.peek().kind === 'name' && this.sees('=', 1)) {
      names.push(this.take().text);
      this.take();
    }
    if (names.length === 0) return null;
    return { position, kind: 'assign', names, operator: null, value: this.#tuple() };
  }

  /** Expressions with commas between them are a tuple, also without parentheses. */
  #tuple(): PythonExpression {
    const first = this.expression();
    if (!this.sees(',')) return first;
    const items = [first];
    while (this.accept(',') && !this.isEnd() && !this.sees(')')) items.push(this.expression());
    return { position: first.position, kind: 'tuple', items };
  }

  /** `a if b else c`, or any expression that binds tighter. */
  expression(): PythonExpression {
    if (++this.#depth > MAX_NESTING) this.#unsupported('brackets this deep');
    const then = this.#or();
    let value = then;
    if (this.accept('if')) {
      const condition = this.#or();
      this.expect('else');
      const otherwise = this.expression();
      value = { position: then.position, kind: 'choice', condition, then, otherwise };
    }
    this.#depth--;
    return value;
  }

  #or(): PythonExpression {
    let left = this.#and();
    while (this.accept('or')) {
      this.#count();
      const right = this.#and();
      left = { position: left.position, kind: 'logic', operator: 'or', left, right };
    }
    return left;
  }

  #and(): PythonExpression {
    let left = this.#not();
    while (this.accept('and')) {
      this.#count();
      const right = this.#not();
      left = { position: left.position, kind: 'logic', operator: 'and', left, right };
    }
    return left;
  }

  #not(): PythonExpression {
    const { position } = this.peek();
    if (!this.accept('not')) return this.#comparison();
    this.#count();
    const operand = this.#not();
    return { position, kind: 'unary', operator: 'not', operand };
  }

  #comparison(): PythonExpression {
    const first = this.#binary(0);
    const links: { operator: string; operand: PythonExpression }[] = [];
    for (;;) {
      const operator = this.#comparisonOperator();
      if (operator === null) break;
      links.push({ operator, operand: this.#binary(0) });
    }
    return links.length === 0
      ? first
      : { position: first.position, kind: 'comparison', first, links };
  }

  #comparisonOperator(): string | null {
    const { kind, text } = this.peek();
    if (kind === 'operator' && COMPARISONS.includes(text)) return this.take().text;
    if (this.accept('in')) return 'in';
    if (this.accept('is')) return this.accept('not') ? 'is not' : 'is';
    if (!this.sees('not') || !this.sees('in', 1)) return null;
    this.take();
    this.take();
    return 'not in';
  }

  #binary(level: number): PythonExpression {
    const operators = LEVELS[level];
    if (operators === undefined) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const { kind, text: operator } = this.peek();
      if (kind !== 'operator' || !operators.includes(operator)) return left;
      this.take();
      this.#count();
      const right = this.#binary(level + 1);
      left = { position: left.position, kind: 'binary', operator, left, right };
    }
  }

  /** Chains of operators are as deep as they are long. */
  #count(): void {
    if (++this.#operators > MAX_OPERATORS) this.#unsupported('expressions this long');
  }

  #unary(): PythonExpression {
    const { kind, text: operator, position } = this.peek();
    if (kind !== 'operator' || !['-', '+', '~'].includes(operator)) return this.#power();
    if (++this.#depth > MAX_NESTING) this.#unsupported('signs this deep');
    this.take();
    const operand = this.#unary();
    this.#depth--;
    return { position, kind: 'unary', operator, operand };
  }

  #power(): PythonExpression {
    const left = this.#atom();
    if (!this.accept('**')) return left;
    if (++this.#depth > MAX_NESTING) this.#unsupported('powers this deep');
    const right = this.#unary();
    this.#depth--;
    return { position: left.position, kind: 'binary', operator: '**', left, right };
  }

  #atom(): PythonExpression {
    const { kind, text, position } = this.peek();
    switch (kind) {
      case 'number':
        this.take();
        return { position, kind: 'constant', value: Number(text) };
      case 'string':
        return { position, kind: 'constant', value: this.#strings() };
      case 'name':
        return this.#name();
      case 'operator':
        if (this.accept('(')) return this.#bracketed(position, ')');
        if (this.accept('[')) return { position, kind: 'tuple', items: this.#items(']') };
        if (text === '{') this.#unsupported("Python's dictionaries");
    }
    return this.fail(`expected a value, found ${this.#found()}`);
  }

  #strings(): string {
    let value = '';
    while (this.peek().kind === 'string') value += this.take().text;
    return value;
  }

  #name(): PythonExpression {
    const { text: name, position } = this.take();
    if (UNKNOWN.has(name)) this.#unsupported(`Python's ${name}`, position);
    if (this.sees('.') || this.sees('[')) {
      this.#unsupported(`Python's ${name}${this.peek().text}...`, position);
    }
    if (this.accept('(')) return { position, kind: 'call', name, arguments: this.#items(')') };
    switch (name) {
      case 'True':
        return { position, kind: 'constant', value: true };
      case 'False':
        return { position, kind: 'constant', value: false };
      case 'None':
        return { position, kind: 'constant', value: null };
    }
    return { position, kind: 'name', name };
  }

  /** `(a)` is a, `(a,)` and `()` are tuples. */
  #bracketed(position: Position, close: string): PythonExpression {
    if (this.accept(close)) return { position, kind: 'tuple', items: [] };
    const value = this.#tuple();
    this.expect(close);
    return value;
  }

  #items(close: string): PythonExpression[] {
    const items: PythonExpression[] = [];
    while (!this.accept(close)) {
      items.push(this.expression());
      if (!this.accept(',') && !this.sees(close)) this.expect(close);
    }
    return items;
  }
}
