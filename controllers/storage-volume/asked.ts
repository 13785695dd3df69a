import type { Asked } from '../fit.js';
import type { DesiredVolume } from './action.js';

/** What a volume asks of its host beside its pool. */
export const askedOfVolume = ({ allocation }: Pick<DesiredVolume, 'allocation'>): readonly Asked[] =>
  allocation === undefined ? [] : [{ field: 'volumes.allocation', path: 'spec.allocation', given: allocation }];
