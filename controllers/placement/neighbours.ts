import type { Hypervisor, VirtualMachine } from '#crds/types.js';
import { matches } from '../namespaces.js';

type Term = NonNullable<NonNullable<VirtualMachine['spec']['placement']>['affinity']>[number];

/** A machine, and a host that it is on or about to be on. */
export interface Neighbour {
  readonly machine: VirtualMachine;
  readonly hypervisor: Hypervisor;
}

/** Who is where already, found by labels and not by looking at all. */
export interface Neighbourhood {
  /** In the namespace, with all these labels. */
  withLabels(namespace: string, labels: Readonly<Record<string, string>>): readonly Neighbour[];
  /** Those with an antiAffinity that may mean a machine of these labels. */
  shunning(machine: VirtualMachine): readonly Neighbour[];
}

/** One term, and the places that are meant by it. */
export interface Places {
  readonly term: Term;
  readonly taken: ReadonlySet<string>;
}

/** What affinity and antiAffinity come to for one machine, wherever it goes. */
export interface Affinities {
  readonly near: readonly Places[];
  readonly apart: readonly Places[];
  /** The same as others see it: who is there and wants to be without it. */
  readonly shunned: readonly (Places & { readonly by: string })[];
}

/** The place of a host in the sense of a term; undefined where it is in none. */
export const placeOf = ({ topologyKey }: Pick<Term, 'topologyKey'>, { metadata }: Hypervisor): string | undefined =>
  topologyKey === undefined ? metadata.name : metadata.labels?.[topologyKey];

/** Pure. */
export function affinitiesOf(machine: VirtualMachine, around: Neighbourhood): Affinities {
  const { affinity = [], antiAffinity = [] } = machine.spec.placement ?? {};
  const { namespace, uid } = machine.metadata;
  const taken = (term: Term): Places => {
    const others = around.withLabels(namespace, term.selector.matchLabels).filter((one) => one.machine.metadata.uid !== uid);
    return { term, taken: placesOf(term, others) };
  };
  return {
    near: affinity.map(taken).filter((places) => !isFirstOfItsKind(machine, places)),
    apart: antiAffinity.map(taken),
    shunned: around.shunning(machine).flatMap((one) => shunnedBy(one, machine)),
  };
}

/** Machines that want to be together have to begin somewhere. */
const isFirstOfItsKind = ({ metadata }: VirtualMachine, { term, taken }: Places): boolean =>
  taken.size === 0 && matches(metadata.labels, term.selector.matchLabels);

function shunnedBy({ machine: other, hypervisor }: Neighbour, { metadata }: VirtualMachine): Affinities['shunned'] {
  if (other.metadata.uid === metadata.uid || other.metadata.namespace !== metadata.namespace) return [];
  return (other.spec.placement?.antiAffinity ?? [])
    .filter(({ mode, selector }) => mode === 'Require' && matches(metadata.labels, selector.matchLabels))
    .map((term) => ({ term, taken: placesOf(term, [{ machine: other, hypervisor }]), by: other.metadata.name }));
}

const placesOf = (term: Term, neighbours: readonly Neighbour[]): ReadonlySet<string> =>
  new Set(neighbours.flatMap(({ hypervisor }) => placeOf(term, hypervisor) ?? []));

export const isIn = ({ term, taken }: Places, hypervisor: Hypervisor): boolean => {
  const place = placeOf(term, hypervisor);
  return place !== undefined && taken.has(place);
};
