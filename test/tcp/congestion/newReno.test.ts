import { NewReno } from '../../../src/core/tcp/congestion/newReno.ts';
import { congestionSuite } from './suite.ts';

congestionSuite('reno', (mss) => new NewReno(mss), { kept: 0.5, growth: [1, 1] });
