import { roomOf } from '../room.js';
import type { Score } from './score.js';

/** The emptier the better, with the machine in it; for `Pack`, the fuller. Of processors and memory, what is scarcer counts. */
export const fullness: Score = ({ machine, need, usage }, hypervisor) => {
  const room = roomOf(hypervisor, usage(hypervisor.metadata.name));
  if (room === undefined) return 0;
  const { free, given } = room;
  const left = Math.min(
    share(free.cpuCount - need.cpuCount, given.cpuCount),
    share(free.memoryBytes - need.memoryBytes, given.memoryBytes),
  );
  return machine.spec.placement?.policy === 'Pack' ? 1 - left : left;
};

const share = (part: number, whole: number): number => (whole <= 0 ? 0 : Math.min(Math.max(part / whole, 0), 1));
