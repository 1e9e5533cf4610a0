import type { PacketDirection, Position, UnsupportedAction } from './ast.ts';
import type { Token, TokenKind } from './lexer.ts';

/**
 * A place among the tokens of a script, and what the parser asks of the next one. What is wrong is
 * thrown here, so that the grammar can be written down straight, and caught in parser.ts alone.
 */

/** What {@link Cursor} throws where a script breaks the grammar. */
export class SyntaxProblem extends Error {
  readonly position: Position;

  constructor(position: Position, message: string) {
    super(message);
    this.name = 'SyntaxProblem';
    this.position = position;
  }
}

/** What {@link Cursor} throws where a script goes beyond TCP and ICMP. */
export class OutOfScope extends Error {
  readonly position: Position;

  constructor(position: Position, what: string) {
    super(what);
    this.name = 'OutOfScope';
    this.position = position;
  }

  /** What the script then says there. */
  asAction(direction: PacketDirection | null): UnsupportedAction {
    return { kind: 'unsupported', position: this.position, what: this.message, direction };
  }
}

/** Lists in lists that an argument may have. */
const MAX_NESTING = 32;

/** Walks over tokens. */
export class Cursor {
  readonly source: string;
  readonly #tokens: readonly Token[];
  readonly #end: Token;
  #index = 0;
  #depth = 0;
  /** Something was read that nplab's dialect alone has. */
  sawNplab = false;

  /** @param tokens of `source`; the last one is of the kind `end` */
  constructor(source: string, tokens: readonly Token[]) {
    const end = tokens.at(-1);
    if (end === undefined) throw new TypeError('tokens without an end');
    this.source = source;
    this.#tokens = tokens;
    this.#end = end;
  }

  /** The next token, or one after it. */
  peek(ahead = 0): Token {
    return this.#tokens[this.#index + ahead] ?? this.#end;
  }

  /** The token before the next one. */
  get previous(): Token {
    return this.#tokens[this.#index - 1] ?? this.peek();
  }

  /** How many tokens were taken. */
  get index(): number {
    return this.#index;
  }

  take(): Token {
    const token = this.peek();
    if (token.kind !== 'end') this.#index++;
    return token;
  }

  isEnd(): boolean {
    return this.peek().kind === 'end';
  }

  /** Is the next token this mark, or this word? */
  sees(text: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return (token.kind === 'mark' || token.kind === 'word') && token.text === text;
  }

  seesKind(kind: TokenKind, ahead = 0): boolean {
    return this.peek(ahead).kind === kind;
  }

  /** Does the next token touch the one before it? */
  isAdjacent(ahead = 0): boolean {
    const before = this.#tokens[this.#index + ahead - 1];
    return before !== undefined && before.end === this.peek(ahead).start;
  }

  /** Takes this mark or word if it is next. */
  accept(text: string): boolean {
    if (!this.sees(text)) return false;
    this.take();
    return true;
  }

  /** @param where completes the message: `after the flags` */
  expect(text: string, where: string): Token {
    if (this.sees(text)) return this.take();
    return this.fail(`expected '${text}' ${where}, found ${this.describe()}`);
  }

  /** An unsigned number up to `max`, decimal or hexadecimal. */
  expectNumber(what: string, max: number): number {
    const token = this.peek();
    if (token.kind !== 'integer' && token.kind !== 'hex') {
      return this.fail(`expected ${what}, a number up to ${max}, found ${this.describe()}`);
    }
    const value = Number(token.text);
    if (!(value >= 0 && value <= max)) this.fail(`${what} is ${token.text}; it is 0 to ${max}`);
    this.take();
    return value;
  }

  expectWord(what: string): string {
    const token = this.peek();
    if (token.kind === 'word') return this.take().text;
    return this.fail(`expected ${what}, found ${this.describe()}`);
  }

  /** The next token as messages show it. */
  describe(token: Token = this.peek()): string {
    if (token.kind === 'end') return 'the end of the script';
    const written = this.source.slice(token.start, token.end).replace(/\s+/g, ' ');
    return `'${written.length > 40 ? `${written.slice(0, 40)}...` : written}'`;
  }

  fail(message: string, position: Position = this.peek().position): never {
    throw new SyntaxProblem(position, message);
  }

  unsupported(what: string, position: Position = this.peek().position): never {
    throw new OutOfScope(position, what);
  }

  /** Runs a part of the grammar that may contain itself. */
  nested<T>(parse: () => T): T {
    if (++this.#depth > MAX_NESTING) this.fail(`brackets are nested deeper than ${MAX_NESTING}`);
    const parsed = parse();
    this.#depth--;
    return parsed;
  }

  /** Forgets how deep it was; after something was given up. */
  surface(): void {
    this.#depth = 0;
  }

  /** What was written from a token on up to the next one: one line, without comments. */
  textFrom(index: number): string {
    const parts: string[] = [];
    for (let at = index; at < this.#index; at++) {
      const token = this.#tokens[at];
      if (token === undefined) break;
      if (at > index && this.#tokens[at - 1]?.end !== token.start) parts.push(' ');
      parts.push(this.source.slice(token.start, token.end).replace(/\s*\n\s*/g, ' '));
    }
    return parts.join('');
  }
}
