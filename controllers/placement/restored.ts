import type { Hypervisor, VirtualMachine } from '#crds/types.js';
import { boundTo } from '../bound.js';

/** Why this object may not be placed: it says that it is bound elsewhere, or its machine runs on a host already. Pure. */
export function restoredOrCopied(machine: VirtualMachine, meant: readonly Hypervisor[]): string | undefined {
  const { namespace, name, uid } = machine.metadata;
  const word = machine.metadata.annotations?.['virtwright.io/take-over'];
  const bound = boundTo(machine);
  if (bound !== undefined && bound.uid !== uid && word !== bound.uid) {
    return `this object was restored or copied from one with uid ${bound.uid}, bound to ${bound.host}; to take over its machine annotate virtwright.io/take-over=${bound.uid}, to make a new one remove the annotation virtwright.io/bound`;
  }
  for (const { metadata, status } of meant) {
    const stray = status?.strays?.machines?.find((one) => one.namespace === namespace && one.name === name);
    const forAll = metadata.annotations?.['virtwright.io/take-over'];
    const taken = word ?? forAll;
    const isItsOwn = taken === 'Own' && stray?.uid === uid;
    if (stray !== undefined && taken !== stray.uid && taken !== 'All' && !isItsOwn) {
      return `${metadata.name} runs a machine of an earlier VirtualMachine of this name (uid ${stray.uid}); to take it over as it is, annotate virtwright.io/take-over=${stray.uid}`;
    }
    // With nowhere else to run, and a word for the host as a whole, whose machine it is is its agent's to see: it touches nobody else's.
    const isLeftToAgent = meant.length === 1 && (forAll === 'Own' || forAll === 'All');
    if (!isLeftToAgent && (status?.strays?.count ?? 0) > (status?.strays?.machines?.length ?? 0)) {
      return `${metadata.name} has more machines of lost objects than it can name; take them over or remove them first`;
    }
  }
  return undefined;
}
