import { Bbr } from '../../../src/core/tcp/congestion/bbr.ts';
import { everyController } from './suite.ts';

everyController('bbr', (mss) => new Bbr(mss));
