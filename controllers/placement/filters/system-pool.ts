import { carries, seedFields, seedKind } from '../../virtual-machine/seed-kind.js';
import { capabilitiesOf } from '../capabilities.js';
import type { Filter } from './filter.js';

export const systemPool: Filter = ({ machine }, hypervisor) => {
  const kind = seedKind(machine.spec);
  if (kind === undefined || hypervisor.spec.systemPoolRef !== undefined) return undefined;
  if (carries(capabilitiesOf(hypervisor).capabilities, kind)) return undefined;
  const message = `spec.${seedFields[kind]}: this host has no pool to keep it in; name one in spec.systemPoolRef of the Hypervisor`;
  return { reason: 'SystemPool', message };
};
