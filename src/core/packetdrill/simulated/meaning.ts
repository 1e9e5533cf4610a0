import type { TcpConfig } from '../../tcp/config.ts';

/** What a setting means; null: a value that this stack cannot have. */
export type Meaning = (value: string) => Partial<TcpConfig> | null;

/** It makes no difference to what a script can see here, whatever its value. */
export const HARMLESS: Meaning = () => ({});

/** This stack does it in one way alone. */
export const always =
  (...values: readonly string[]): Meaning =>
  (value) =>
    values.includes(value) ? {} : null;

export const flag =
  (changes: (on: boolean) => Partial<TcpConfig>): Meaning =>
  (value) =>
    /^\d+$/.test(value) ? changes(Number(value) !== 0) : null;

export const number =
  (changes: (n: number) => Partial<TcpConfig>): Meaning =>
  (value) =>
    /^\d+$/.test(value) ? changes(Number(value)) : null;

/** Linux and FreeBSD number it alike: off, asked for, answered alone. */
export const ecnUse: Meaning = (value) => {
  const ecn = ECN_USES.get(value);
  return ecn === undefined ? null : { ecn };
};

const ECN_USES: ReadonlyMap<string, TcpConfig['ecn']> = new Map([
  ['0', 'off'],
  ['1', 'on'],
  ['2', 'accept'],
]);
