import type { VirtualMachine } from '#crds/types.js';
import type { Binder } from '../binder.js';
import { matches } from '../namespaces.js';
import { labelIn } from './indexes.js';
import type { Neighbour, Neighbourhood } from './neighbours.js';

/** As the stores show it, with machines whose binding is on its way. */
export function neighbourhood({ watched, ledger }: Pick<Binder, 'watched' | 'ledger'>): Neighbourhood {
  const { machines, hypervisors } = watched;
  const neighbours = (machine: VirtualMachine): readonly Neighbour[] =>
    ledger.hostsOf(machine.metadata.uid).flatMap((name) => {
      const hypervisor = hypervisors.store.get(name);
      return hypervisor === undefined ? [] : [{ machine, hypervisor }];
    });
  return {
    withLabels: (namespace, labels) =>
      Object.entries(labels)
        .slice(0, 1)
        .flatMap((label) => machines.store.byIndex('label', labelIn(namespace, label)))
        .filter(({ metadata }) => matches(metadata.labels, labels))
        .flatMap(neighbours),
    shunning: ({ metadata }) =>
      Object.entries(metadata.labels ?? {})
        .flatMap((label) => machines.store.byIndex('shuns', labelIn(metadata.namespace, label)))
        .flatMap(neighbours),
  };
}
