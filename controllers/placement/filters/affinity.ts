import type { Hypervisor } from '#crds/types.js';
import { isIn, type Places, placeOf } from '../neighbours.js';
import type { Filter } from './filter.js';

export const affinity: Filter = ({ affinities }, hypervisor) => {
  const missed = affinities.near.find((places) => places.term.mode === 'Require' && !isIn(places, hypervisor));
  if (missed === undefined) return undefined;
  const { term } = missed;
  return {
    reason: 'Affinity',
    message: `affinity "${term.name}": no machine with the labels ${labels(missed)} is ${where(missed, hypervisor)}`,
  };
};

export const antiAffinity: Filter = ({ affinities }, hypervisor) => {
  const met = affinities.apart.find((places) => places.term.mode === 'Require' && isIn(places, hypervisor));
  if (met !== undefined) {
    const message = `antiAffinity "${met.term.name}": a machine with the labels ${labels(met)} is ${where(met, hypervisor)}`;
    return { reason: 'AntiAffinity', message };
  }
  const shunned = affinities.shunned.find((places) => isIn(places, hypervisor));
  if (shunned === undefined) return undefined;
  const message = `antiAffinity "${shunned.term.name}" of machine "${shunned.by}", which is ${where(shunned, hypervisor)}, means this one`;
  return { reason: 'AntiAffinity', message };
};

const labels = ({ term }: Places): string => JSON.stringify(term.selector.matchLabels);

function where({ term }: Places, hypervisor: Hypervisor): string {
  if (term.topologyKey === undefined) return 'here';
  const place = placeOf(term, hypervisor);
  return place === undefined ? `to be looked for: the host has no label ${term.topologyKey}` : `in ${term.topologyKey} "${place}"`;
}
