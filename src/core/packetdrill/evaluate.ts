import type { CodeAction, Position } from './ast.ts';
import { binary, compare, isTrue, show, unary } from './pythonOperators.ts';
import {
  type PythonExpression,
  type PythonStatement,
  type PythonValue,
  parsePython,
} from './pythonSyntax.ts';
import { PythonProblem } from './pythonTokens.ts';
import { symbolValue } from './symbols.ts';

/**
 * Runs the assertions of `%{ }%`. Names are, in this order, variables of the script itself and the
 * snapshots of the connection (the later one counts), and the constants of symbols.ts; Python's own
 * functions are a handful.
 */

/** Why a piece of code was not passed. */
export interface EvaluationFailure {
  /** `error`: it is no Python, or goes wrong; `unsupported`: it says more than is known here. */
  readonly kind: 'failed' | 'error' | 'unsupported';
  readonly position: Position;
  /** One line: which assertion, with which values. */
  readonly message: string;
}

/** Lines that are kept of what is printed. */
const MAX_PRINTED = 1_000;
/** Values in a tuple, those of tuples inside included. */
const MAX_TUPLE = 1_000;
/** Characters of a message that are shown. */
const MAX_MESSAGE = 400;

/** The one Python program that all code of a script is part of: variables live on. */
export class Evaluator {
  /** What was printed, in lines. */
  readonly printed: string[] = [];
  readonly #variables = new Map<string, PythonValue>();
  /** What the connection was like at the last event; gone with it. */
  #snapshot: ReadonlyMap<string, number> = new Map();

  /**
   * Runs the code of one event.
   *
   * @param snapshot `tcpi_*` and what else is known of the socket at that time
   * @returns null: every assertion holds
   */
  run(code: CodeAction, snapshot: ReadonlyMap<string, number>): EvaluationFailure | null {
    for (const name of this.#snapshot.keys()) this.#variables.delete(name);
    for (const [name, value] of snapshot) this.#variables.set(name, value);
    this.#snapshot = snapshot;
    try {
      return this.#runAll(parsePython(code.text, code.position));
    } catch (problem) {
      if (!(problem instanceof PythonProblem)) throw problem;
      const { kind, position, message } = problem;
      return { kind, position, message: oneLine(message) };
    }
  }

  #runAll(statements: readonly PythonStatement[]): EvaluationFailure | null {
    for (const statement of statements) {
      const failure = this.#runOne(statement);
      if (failure !== null) return failure;
    }
    return null;
  }

  #runOne(statement: PythonStatement): EvaluationFailure | null {
    switch (statement.kind) {
      case 'assert':
        return this.#assert(statement);
      case 'print':
        this.#print(statement.values.map((value) => show(this.#value(value))).join(' '));
        return null;
      case 'assign':
        this.#assign(statement);
        return null;
      case 'expression':
        this.#value(statement.value);
        return null;
      case 'if': {
        const taken = statement.branches.find(({ condition }) => isTrue(this.#value(condition)));
        return this.#runAll(taken?.body ?? statement.otherwise);
      }
      default:
        return statement satisfies never;
    }
  }

  #print(text: string): void {
    if (this.printed.length < MAX_PRINTED) this.printed.push(text.slice(0, MAX_MESSAGE));
  }

  #assign({
    names,
    operator,
    value,
    position,
  }: Extract<PythonStatement, { kind: 'assign' }>): void {
    const assigned = this.#value(value);
    for (const name of names) {
      const result =
        operator === null
          ? assigned
          : binary(operator, this.#lookup(name, position), assigned, position);
      this.#variables.set(name, result);
    }
  }

  #assert(statement: Extract<PythonStatement, { kind: 'assert' }>): EvaluationFailure | null {
    const { condition, message, text, position } = statement;
    if (isTrue(this.#value(condition))) return null;
    const values = this.#valuesIn(condition);
    const told = values.length === 0 ? '' : `: ${values.join(', ')}`;
    const said = message === null ? '' : ` (${this.#messageOf(message)})`;
    return { kind: 'failed', position, message: oneLine(`assert ${text}${told}${said}`) };
  }

  /** A message that goes wrong must not hide the assertion that failed. */
  #messageOf(message: PythonExpression): string {
    try {
      return show(this.#value(message));
    } catch (problem) {
      if (!(problem instanceof PythonProblem)) throw problem;
      return problem.message;
    }
  }

  /** `tcpi_snd_cwnd is 12` for each name of an expression. */
  #valuesIn(expression: PythonExpression): string[] {
    const names = new Set<string>();
    collectNames(expression, names);
    return [...names].map((name) => {
      const value = this.#variables.get(name) ?? symbolValue(name);
      return `${name} is ${value === null ? 'not defined' : show(value)}`;
    });
  }

  #lookup(name: string, position: Position): PythonValue {
    const value = this.#variables.get(name);
    if (value !== undefined) return value;
    const constant = symbolValue(name);
    if (constant !== null) return constant;
    if (/^tcpi_|^TCPI?_|^SK_MEMINFO/.test(name)) {
      throw new PythonProblem('unsupported', position, `${name} in code`);
    }
    throw new PythonProblem('error', position, `the name ${name} is not defined`);
  }

  #value(expression: PythonExpression): PythonValue {
    const { position } = expression;
    switch (expression.kind) {
      case 'constant':
        return expression.value;
      case 'name':
        return this.#lookup(expression.name, position);
      case 'unary':
        return unary(expression.operator, this.#value(expression.operand), position);
      case 'binary': {
        const left = this.#value(expression.left);
        return binary(expression.operator, left, this.#value(expression.right), position);
      }
      case 'comparison':
        return this.#comparison(expression);
      case 'logic': {
        const left = this.#value(expression.left);
        const isDecided = isTrue(left) === (expression.operator === 'or');
        return isDecided ? left : this.#value(expression.right);
      }
      case 'choice':
        return isTrue(this.#value(expression.condition))
          ? this.#value(expression.then)
          : this.#value(expression.otherwise);
      case 'tuple':
        return boundedTuple(expression.items, (item) => this.#value(item), position);
      case 'call':
        return call(
          expression.name,
          expression.arguments.map((argument) => this.#value(argument)),
          position,
        );
      default:
        return expression satisfies never;
    }
  }

  /** `a < b < c` is `a < b and b < c`, with b once. */
  #comparison({
    first,
    links,
    position,
  }: Extract<PythonExpression, { kind: 'comparison' }>): boolean {
    let left = this.#value(first);
    for (const { operator, operand } of links) {
      const right = this.#value(operand);
      if (!compare(operator, left, right, position)) return false;
      left = right;
    }
    return true;
  }
}

/** Tuples that hold tuples of variables could grow without end, in depth and in size. */
function boundedTuple(
  items: readonly PythonExpression[],
  evaluate: (item: PythonExpression) => PythonValue,
  position: Position,
): PythonValue {
  const values = items.slice(0, MAX_TUPLE + 1).map(evaluate);
  if (countValues(values, 0) > MAX_TUPLE) {
    throw new PythonProblem('unsupported', position, `tuples of more than ${MAX_TUPLE} values`);
  }
  return values;
}

function countValues(value: PythonValue, before: number): number {
  let count = before + 1;
  if (!Array.isArray(value)) return count;
  for (const item of value) {
    if (count > MAX_TUPLE) break;
    count = countValues(item, count);
  }
  return count;
}

function collectNames(expression: PythonExpression, names: Set<string>): void {
  switch (expression.kind) {
    case 'constant':
      return;
    case 'name':
      names.add(expression.name);
      return;
    case 'unary':
      collectNames(expression.operand, names);
      return;
    case 'binary':
    case 'logic':
      collectNames(expression.left, names);
      collectNames(expression.right, names);
      return;
    case 'comparison':
      collectNames(expression.first, names);
      for (const { operand } of expression.links) collectNames(operand, names);
      return;
    case 'choice':
      for (const part of [expression.condition, expression.then, expression.otherwise]) {
        collectNames(part, names);
      }
      return;
    case 'tuple':
      for (const item of expression.items) collectNames(item, names);
      return;
    case 'call':
      for (const argument of expression.arguments) collectNames(argument, names);
      return;
    default:
      expression satisfies never;
  }
}

/** Python's functions that scripts may need. */
function call(name: string, values: readonly PythonValue[], position: Position): PythonValue {
  const numbers = values.map((value) => (typeof value === 'boolean' ? Number(value) : value));
  const areNumbers = numbers.every((value) => typeof value === 'number');
  const [first] = numbers;
  if (name === 'str' || name === 'repr') return show(values[0] ?? null);
  if (name === 'bool') return isTrue(values[0] ?? false);
  if (name === 'len' && (typeof first === 'string' || Array.isArray(first))) return first.length;
  if (areNumbers && typeof first === 'number') {
    switch (name) {
      case 'abs':
        return Math.abs(first);
      case 'int':
        return Math.trunc(first);
      case 'float':
        return first;
      case 'round':
        return Math.round(first);
      case 'hex':
        return `0x${first.toString(16)}`;
      case 'min':
        return Math.min(...numbers);
      case 'max':
        return Math.max(...numbers);
    }
  }
  throw new PythonProblem('unsupported', position, `Python's ${name}() with these arguments`);
}

function oneLine(text: string): string {
  const line = text.replace(/\s*\n\s*/g, ' ');
  return line.length > MAX_MESSAGE ? `${line.slice(0, MAX_MESSAGE)}...` : line;
}
