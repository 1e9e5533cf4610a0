import test from 'ava';
import { bulkCases, judge } from './bulkCases.ts';
import { bulkTransfer } from './bulkTransfer.ts';

const OCTETS = 4 * 2 ** 20;

for (const { title, options } of bulkCases(OCTETS)) {
  test.serial(`against Linux: ${title}`, (t) =>
    bulkTransfer(t, options, (e) => judge(t, options, e)),
  );
}
