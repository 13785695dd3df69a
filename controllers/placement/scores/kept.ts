import type { Score } from './score.js';

/** Where room was kept for it when it was to leave its host. */
export const kept: Score = ({ machine }, { metadata }) => (machine.status?.evacuation?.to === metadata.name ? 1 : 0);
