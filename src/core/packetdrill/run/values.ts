import type { Expression, Field } from '../ast.ts';
import { type EpollEvent, Unsupported } from '../host/calls.ts';
import { symbolValue } from '../symbols.ts';

/** Reads the arguments of system calls. */

/** `...`: whatever it is. */
export function isEllipsis(expression: Expression | undefined): boolean {
  return expression === undefined || expression.kind === 'ellipsis';
}

/** A number, a symbol, or several of them with `|`. @throws Unsupported */
export function numberOf(expression: Expression | undefined, otherwise = 0): number {
  if (expression === undefined) return otherwise;
  switch (expression.kind) {
    case 'ellipsis':
      return otherwise;
    case 'integer':
      return expression.value;
    case 'symbol': {
      const value = symbolValue(expression.name);
      if (value === null) throw new Unsupported(`symbol ${expression.name}`);
      return value;
    }
    case 'or':
      return expression.terms.reduce((bits, term) => bits | numberOf(term), 0);
    case 'apply':
      return numberOf(expression.arguments[0], otherwise); // htons(8080)
    case 'list':
      return numberOf(expression.items[0], otherwise);
    default:
      throw new Unsupported(`a ${expression.kind} where a number is expected`);
  }
}

/** The fields of `{...}`; of `[{...}]` those of the first one. @throws Unsupported */
export function fieldsOf(expression: Expression | undefined): readonly Field[] {
  if (expression?.kind === 'structure') return expression.fields;
  if (expression?.kind === 'list' && expression.items.length === 1) {
    return fieldsOf(expression.items[0]);
  }
  throw new Unsupported(`a ${expression?.kind ?? 'missing value'} where a structure is expected`);
}

/** The value of a field; undefined: it is not there. */
export function fieldOf(fields: readonly Field[], name: string): Expression | undefined {
  return fields.find((field) => field.name === name)?.value;
}

/** The items of `[...]`. */
export function itemsOf(expression: Expression | undefined): readonly Expression[] {
  return expression?.kind === 'list' ? expression.items : [];
}

/** Names of the member of `epoll_data_t`. */
const EPOLL_DATA = ['fd', 'ptr', 'u32', 'u64'];

/** `{events = EPOLLIN|EPOLLET, fd = 4}` @throws Unsupported */
export function epollEvent(expression: Expression | undefined): EpollEvent {
  const fields = fieldsOf(expression);
  const data = fields.find(({ name }) => EPOLL_DATA.includes(name ?? ''));
  return { events: numberOf(fieldOf(fields, 'events')), data: numberOf(data?.value) };
}
