import test from 'ava';
import { plot } from './plot.ts';

test('a plot has y upwards from 0, and x from the first value to the last', (t) => {
  const points = [10, 20, 40].map((y, i) => ({ x: i * 5, y }));
  const limit = [0, 10].map((x) => ({ x, y: 30 }));
  const drawn = plot(
    [
      { mark: '-', points: limit },
      { mark: '*', points },
    ],
    { width: 9, height: 5 },
  );
  t.is(
    drawn,
    [
      '40 |        *', //
      '   |-       -',
      '   |    *',
      '   |*',
      ' 0 |',
      '   +---------',
      '    0      10',
    ].join('\n'),
  );
});

test('a plot leaves out what is not finite, and may be empty', (t) => {
  const endless = { mark: '-', points: [{ x: 0, y: Number.POSITIVE_INFINITY }] };
  t.is(plot([endless]), '(nothing to draw)');
  const one = { mark: '*', points: [{ x: 3, y: 0 }] };
  t.is(
    plot([endless, one], { width: 3, height: 2 }),
    ['0 |', '0 |*', '  +---', '   3 3'].join('\n'),
  );
});
