import type { MachineShape } from '#drivers/driver.js';

/** Where the volumes are that a machine has as disks, in its drives, or as its directories. */
export const attachedTo = ({ disks, cdroms = [], uses = [], container }: MachineShape): readonly string[] => [
  ...uses,
  ...[...disks, ...cdroms].flatMap(({ location }) => location ?? []),
  ...(container === undefined ? [] : [container.root, ...(container.mounts ?? []).map(({ location }) => location)]),
];
