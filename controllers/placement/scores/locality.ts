import type { Score } from './score.js';

/** How many of its volumes are there already, and need not come along. */
export const locality: Score = ({ volumes }, { metadata }) => {
  const made = volumes.filter(({ status }) => status?.hypervisor !== undefined);
  return made.length === 0 ? 0 : made.filter(({ status }) => status?.hypervisor === metadata.name).length / made.length;
};
