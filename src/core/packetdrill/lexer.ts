import type { Position } from './ast.ts';
import type { ScriptError } from './scriptError.ts';

/**
 * Cuts a script into tokens. The longest match wins; white space, line ends included, and comments
 * separate and mean nothing else. Symbols that `--define` gave are replaced here, and what lies
 * between `#ifdef NAME` and `#endif` is left out here where the name is not defined.
 */

/** What a token is; `mark` is any other single character. */
export type TokenKind =
  | 'integer'
  | 'hex'
  | 'float'
  | 'word'
  | 'string'
  | 'backquoted'
  | 'code'
  | 'option'
  | 'ellipsis'
  | 'ipv4'
  | 'ipv6'
  | 'mark'
  | 'end';

/** A token; `source` from `start` to `end`, exclusive, is what was written. */
export interface Token {
  readonly kind: TokenKind;
  /** Its value: without quotes, dashes or braces; of a replaced symbol, what replaced it. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly position: Position;
}

/** UTF-16 units of a script that is read at all. */
export const MAX_SCRIPT_LENGTH = 1 << 20;

/** Symbols by name; values as on a command line: `"text"`, `` `command` ``, a number or a word. */
export type Defines = Readonly<Record<string, string>>;

/**
 * Cuts a script into tokens, the last of which is of the kind `end`.
 *
 * @param defines win over the definitions of the script itself
 */
export function lex(source: string, defines: Defines = {}): readonly Token[] | ScriptError {
  if (source.length > MAX_SCRIPT_LENGTH) {
    const message = `the script has ${source.length} characters; at most ${MAX_SCRIPT_LENGTH} are read`;
    return { kind: 'error', position: { line: 1, column: 1 }, message };
  }
  return new Lexer(source, defines).run();
}

const INTEGER = /-?[0-9]+/y;
const HEX = /0x[0-9a-fA-F]+/y;
// the dot needs a digit behind it, so that `0...0.1` is a number, an ellipsis and a number
const FLOAT = /-?[0-9]*\.[0-9]+/y;
const WORD = /[a-zA-Z0-9_]+/y;
const OPTION = /--[a-zA-Z0-9_]+/y;
const IPV4 = /[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+/y;
// with `::` or eight groups alone: `1:1001` is a range of sequence numbers
const IPV6 =
  /(?:(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}|(?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){0,6})?::(?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){0,6})?(?::[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+)?)/y;

/** In the order of precedence among matches of equal length. */
const SHAPES: readonly (readonly [TokenKind, RegExp])[] = [
  ['option', OPTION],
  ['float', FLOAT],
  ['integer', INTEGER],
  ['hex', HEX],
  ['word', WORD],
  ['ipv4', IPV4],
  ['ipv6', IPV6],
];

/** What follows a backslash in a text, where it is not the character itself; `xHH` is an octet. */
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '0': '\0' };

/** A token without its place; `null`: nothing but an error, which is noted. */
type Cut = { readonly kind: TokenKind; readonly text: string; readonly end: number } | null;

class Lexer {
  readonly #source: string;
  readonly #fixed: Defines;
  readonly #defines = new Map<string, string>();
  readonly #tokens: Token[] = [];
  #at = 0;
  #line = 1;
  #lineStart = 0;
  /** Where the `#ifdef` stands that is open; null: none. */
  #condition: Position | null = null;
  #error: ScriptError | null = null;

  constructor(source: string, defines: Defines) {
    this.#source = source;
    this.#fixed = defines;
    for (const [name, value] of Object.entries(defines)) this.#defines.set(name, value);
  }

  run(): readonly Token[] | ScriptError {
    while (this.#error === null) {
      this.#skipBlanks();
      if (this.#error !== null || this.#at >= this.#source.length) break;
      if (this.#source[this.#at] === '#') this.#directive();
      else this.#token();
    }
    if (this.#error !== null) return this.#error;
    if (this.#condition !== null) {
      return { kind: 'error', position: this.#condition, message: '#ifdef without #endif' };
    }
    const end = this.#source.length;
    this.#tokens.push({ kind: 'end', text: '', start: end, end, position: this.#position() });
    return this.#tokens;
  }

  #position(): Position {
    return { line: this.#line, column: this.#at - this.#lineStart + 1 };
  }

  #fail(message: string): null {
    this.#error ??= { kind: 'error', position: this.#position(), message };
    return null;
  }

  /** Goes on, counting lines. */
  #advance(to: number): void {
    for (;;) {
      const lineEnd = this.#source.indexOf('\n', this.#at);
      if (lineEnd < 0 || lineEnd >= to) break;
      this.#line++;
      this.#lineStart = lineEnd + 1;
      this.#at = lineEnd + 1;
    }
    this.#at = to;
  }

  #skipBlanks(): void {
    for (;;) {
      const rest = /\s*/y;
      rest.lastIndex = this.#at;
      this.#advance(this.#at + (rest.exec(this.#source)?.[0].length ?? 0));
      if (this.#source.startsWith('//', this.#at)) {
        const lineEnd = this.#source.indexOf('\n', this.#at);
        this.#advance(lineEnd < 0 ? this.#source.length : lineEnd);
      } else if (this.#source.startsWith('/*', this.#at)) {
        const close = this.#source.indexOf('*/', this.#at + 2);
        if (close < 0) {
          this.#fail('a comment begins here and does not end; close it with */');
          return;
        }
        this.#advance(close + 2);
      } else return;
    }
  }

  #token(): void {
    const position = this.#position();
    const start = this.#at;
    const cut = this.#cut();
    if (cut === null) return;
    const { kind, text } = this.#substitute(cut);
    const before = this.#tokens.slice(-4);
    this.#advance(cut.end);
    this.#tokens.push({ kind, text, start, end: cut.end, position });
    this.#noteDefinition(before, cut, start);
  }

  /** The token at this place. */
  #cut(): Cut {
    const source = this.#source;
    const at = this.#at;
    if (source.startsWith('%{', at)) return this.#code();
    if (source.startsWith('...', at)) return { kind: 'ellipsis', text: '...', end: at + 3 };
    const first = source.charAt(at);
    if (first === '"') return this.#quoted('string', '"');
    if (first === '`') return this.#quoted('backquoted', '`');
    let longest: Cut = null;
    for (const [kind, shape] of SHAPES) {
      shape.lastIndex = at;
      const found = shape.exec(source)?.[0];
      if (found === undefined || found === '') continue;
      const end = at + found.length;
      if (longest === null || end > longest.end) {
        longest = { kind, text: kind === 'option' ? found.slice(2) : found, end };
      }
    }
    return longest ?? { kind: 'mark', text: first, end: at + 1 };
  }

  #code(): Cut {
    const close = this.#source.indexOf('}%', this.#at + 2);
    if (close < 0) return this.#fail('code begins here and does not end; close it with }%');
    const text = this.#source.slice(this.#at + 2, close);
    return { kind: 'code', text, end: close + 2 };
  }

  #quoted(kind: 'string' | 'backquoted', quote: string): Cut {
    let text = '';
    for (let at = this.#at + 1; at < this.#source.length; at++) {
      const char = this.#source.charAt(at);
      if (char === quote) return { kind, text, end: at + 1 };
      if (char !== '\\') {
        text += char;
        continue;
      }
      const escaped = this.#source.charAt(++at);
      // a shell would take its own escapes away, so of those of a command only the quote's goes here
      if (kind === 'backquoted') text += escaped === quote ? escaped : `\\${escaped}`;
      else if (escaped === 'x') {
        const digits = /^[0-9a-fA-F]{1,2}/.exec(this.#source.slice(at + 1, at + 3))?.[0] ?? '';
        if (digits === '') return this.#fail('\\x in a text needs hexadecimal digits');
        text += String.fromCharCode(Number.parseInt(digits, 16));
        at += digits.length;
      } else text += ESCAPES[escaped] ?? escaped;
    }
    return this.#fail(`${quote} opens here and is not closed`);
  }

  #substitute(cut: { kind: TokenKind; text: string }): { kind: TokenKind; text: string } {
    if (cut.kind !== 'word') return cut;
    const value = this.#defines.get(cut.text);
    if (value === undefined || this.#isDefinedHere()) return cut;
    if (value.length >= 2 && value.startsWith('"') && value.endsWith('"')) {
      return { kind: 'string', text: value.slice(1, -1) };
    }
    if (value.length >= 2 && value.startsWith('`') && value.endsWith('`')) {
      return { kind: 'backquoted', text: value.slice(1, -1) };
    }
    if (/^-?[0-9]+$/.test(value)) return { kind: 'integer', text: value };
    return { kind: 'word', text: value };
  }

  /** Is the next token the name in `--define=NAME`? */
  #isDefinedHere(): boolean {
    const equals = this.#tokens.at(-1);
    const option = this.#tokens.at(-2);
    return equals?.text === '=' && isDefine(option);
  }

  /** After `--define=NAME=value` the name stands for the value. */
  #noteDefinition(before: readonly Token[], { end }: { end: number }, start: number): void {
    const [option, first, name, second] = before;
    if (!isDefine(option) || first?.text !== '=' || second?.text !== '=') return;
    if (name === undefined || Object.hasOwn(this.#fixed, name.text)) return;
    this.#defines.set(name.text, this.#source.slice(start, end));
  }

  /** `#ifdef NAME` or `#endif`; single level. */
  #directive(): void {
    const shape = /#\s*(ifdef|ifndef|endif)\b(?:[ \t]+([a-zA-Z0-9_]+))?/y;
    shape.lastIndex = this.#at;
    const found = shape.exec(this.#source);
    if (found === null) {
      this.#fail('# begins #ifdef NAME, #ifndef NAME or #endif alone; comments begin with //');
      return;
    }
    const [text, what, name] = found;
    if (what === 'endif') {
      if (this.#condition === null) this.#fail('#endif without #ifdef');
      this.#condition = null;
      this.#advance(this.#at + text.length);
      return;
    }
    if (name === undefined) this.#fail(`#${what} needs the name of a definition`);
    else if (this.#condition !== null) this.#fail('#ifdef inside of #ifdef; end the first one');
    else this.#conditional(this.#at + text.length, this.#defines.has(name) === (what === 'ifdef'));
  }

  #conditional(from: number, isKept: boolean): void {
    this.#condition = this.#position();
    if (isKept) {
      this.#advance(from);
      return;
    }
    const close = this.#source.indexOf('#endif', from);
    this.#advance(close < 0 ? this.#source.length : close);
  }
}

function isDefine(token: Token | undefined): boolean {
  return token?.kind === 'option' && (token.text === 'define' || token.text === 'D');
}
