import test from 'ava';
import {
  type PlayedFixture,
  play,
  reached,
  readFixtures,
  readTable,
  render,
  withFloor,
} from '../../scripts/pcapTable.ts';
import { reportLines } from '../../src/core/replay/report.ts';

/** Floors are written with three digits. */
const ROUNDING = 1e-9;

const FIXTURES = readFixtures();
const PLAYED: readonly PlayedFixture[] = (await Promise.all(FIXTURES.map(play))).flat();

test('there are recordings', (t) => {
  t.true(FIXTURES.length > 0, 'pcaps/ has no recording with a sidecar');
  t.true(PLAYED.length >= FIXTURES.length);
});

for (const played of PLAYED) {
  const { fixture, role, expectation, replay } = played;
  const { mode, floor } = expectation;
  test(`${fixture.name}: the ${role} is played with a ${mode} fidelity of ${floor} or more`, (t) => {
    const fidelity = reached(played);
    if (fidelity + ROUNDING < floor) t.log([...reportLines(replay, mode)].join('\n'));
    t.true(fidelity + ROUNDING >= floor, `${fidelity} is below ${floor}`);
    const isExplained = expectation.reason !== undefined && expectation.reason !== '';
    const isWhole = mode === 'strict' && floor === 1;
    t.true(isExplained || isWhole, 'what is below a strict fidelity of 1 needs its reason');
  });
}

test('pcaps/README.md is up to date', (t) => {
  t.true(readTable() === render(PLAYED), 'run npx tsx scripts/pcapTable.ts');
});

test('a floor is raised in its place, and the rest of the sidecar stays', (t) => {
  const text =
    '{"ends": {"client": {"replay": {"floor": 0}}, "server": {"replay": {"floor": 0.5}}}}';
  t.is(
    withFloor(text, 'client', 0.25),
    '{"ends": {"client": {"replay": {"floor": 0.25}}, "server": {"replay": {"floor": 0.5}}}}',
  );
  t.is(
    withFloor(text, 'server', 1),
    '{"ends": {"client": {"replay": {"floor": 0}}, "server": {"replay": {"floor": 1}}}}',
  );
  t.throws(() => withFloor('{"ends": {}}', 'client', 1), { message: /no floor of the client/ });
});
