import { isReady } from '../../conditions.js';
import type { Filter } from './filter.js';

export const ready: Filter = (_request, hypervisor) => {
  if (isReady(hypervisor)) return undefined;
  const told = hypervisor.status?.conditions?.find(({ type }) => type === 'Ready');
  return { reason: 'NotReady', message: `not ready: ${told?.message || told?.reason || 'it has not reported yet'}` };
};
