import type { Filter } from './filter.js';

export const maintenance: Filter = (_request, { spec }) =>
  spec.maintenance === 'None'
    ? undefined
    : { reason: 'Maintenance', message: `it takes no new machines: spec.maintenance of the Hypervisor is ${spec.maintenance}` };
