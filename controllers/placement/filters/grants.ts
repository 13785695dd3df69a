import type { Filter } from './filter.js';

export const containerGrants: Filter = ({ ungrantedOn }, hypervisor) => {
  const [because] = ungrantedOn(hypervisor);
  return because === undefined ? undefined : { reason: 'NotGranted', message: because };
};
