import type { MachineShape } from '#drivers/driver.js';
import { type Circumstances, classOf, type Judged } from './classes.js';
import { differences } from './difference.js';

export interface Classed extends Judged {
  readonly field: string;
}

/** What it takes to get from one shape to another, field by field. Pure. */
export const changesOf = (from: MachineShape, to: MachineShape, circumstances: Circumstances): readonly Classed[] =>
  differences(from, to).map((difference) => ({ field: difference.field, ...classOf(difference, circumstances) }));
