import { isIn, type Places } from '../neighbours.js';
import type { Score } from './score.js';

/** How many of the terms that are only preferred are kept. */
export const company: Score = ({ affinities: { near, apart } }, hypervisor) => {
  const preferred = ({ term }: Places) => term.mode === 'Prefer';
  const kept = [
    ...near.filter(preferred).map((places) => isIn(places, hypervisor)),
    ...apart.filter(preferred).map((places) => !isIn(places, hypervisor)),
  ];
  return kept.length === 0 ? 0 : kept.filter((one) => one).length / kept.length;
};
