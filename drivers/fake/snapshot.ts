import type { MachineShape, Snapshot } from '#drivers/driver.js';

/** A machine as it was; what was in its disks is not kept, as nobody writes there. */
export interface FakeSnapshot {
  readonly snapshot: Omit<Snapshot, 'isCurrent'>;
  readonly configured: MachineShape;
  /** What ran. */
  readonly live?: MachineShape;
}
