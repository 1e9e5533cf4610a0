import test from 'ava';
import { seq } from '../../../src/core/base/seq.ts';
import { CONGESTION_CONTROLS, NO_THRESHOLD } from '../../../src/core/tcp/config.ts';
import { newAckSample } from '../../../src/core/tcp/congestion/congestionControl.ts';
import { newController, successor } from '../../../src/core/tcp/congestion/controllers.ts';
import { established } from '../../harness/transcript.ts';

for (const name of CONGESTION_CONTROLS) {
  test(`settings: congestionControl ${name} makes a controller of that name`, (t) => {
    const c = established(t, { config: { congestionControl: name } });
    t.is(c.established.tcb.congestion.name, name);
    const info = c.established.status(c.now);
    t.is(info.congestionControl, name);
    t.is(info.sndCwnd, 10);
    t.is(info.sndSsthresh, Number.POSITIVE_INFINITY);
    t.is(info.pathModel === null, name !== 'bbr');
  });

  test(`settings: ${name} takes over with the windows of another controller`, (t) => {
    for (const before of CONGESTION_CONTROLS) {
      const old = newController({ congestionControl: before, slowStart: 'hystart' }, 1448, null);
      old.cwnd = 77 * 1448;
      old.ssthresh = 55 * 1448;
      const next = successor(
        { congestionControl: name, slowStart: 'hystart' },
        old,
        null,
        newAckSample(seq(1)),
      );
      t.is(next.name, name);
      t.is(next.mss, 1448);
      t.is(next.cwnd, 77 * 1448);
      // Linux bbr_init: it knows no slow start
      t.is(next.ssthresh, name === 'bbr' ? NO_THRESHOLD : 55 * 1448);
    }
  });
}

test('MAY-18: a connection that lives can get another controller', (t) => {
  const c = established(t);
  const first = c.established.tcb.congestion;
  t.is(first.name, 'cubic');
  c.user((user, now) => user.configure({ noDelay: true }, now));
  t.is(c.established.tcb.congestion, first);
  c.user((user, now) => user.configure({ congestionControl: 'reno' }, now));
  t.is(c.established.tcb.congestion.name, 'reno');
  t.is(c.established.tcb.congestion.cwnd, first.cwnd);
});

test('Linux tcp_bbr_info: the rate, the shortest round trip and the gains can be seen', (t) => {
  const c = established(t, { config: { congestionControl: 'bbr' } });
  const { pathModel } = c.established.status(c.now);
  t.like(pathModel, { bw: 0, pacingGain: 739 / 256, cwndGain: 739 / 256 });
});
