import test from 'ava';
import { bulkCases, judge } from '../kernel/bulkCases.ts';
import { bulkTransfer } from '../kernel/bulkTransfer.ts';

const OCTETS = 2 ** 30;

for (const { title, options } of bulkCases(OCTETS)) {
  test.serial(`against Linux: ${title}`, (t) =>
    bulkTransfer(t, options, (evidence) => judge(t, options, evidence)),
  );
}
