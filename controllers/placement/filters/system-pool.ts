import { seedFields, seedKind } from '../../virtual-machine/seed-kind.js';
import type { Filter } from './filter.js';

export const systemPool: Filter = ({ machine }, { spec }) => {
  const kind = seedKind(machine.spec);
  if (kind === undefined || spec.systemPoolRef !== undefined) return undefined;
  const message = `spec.${seedFields[kind]}: this host has no pool to keep it in; name one in spec.systemPoolRef of the Hypervisor`;
  return { reason: 'SystemPool', message };
};
