import type { ObjectOf, Version } from './class.js';
import type { computerSystem } from './classes.js';

/** The state of a machine in words that both versions have; `Other` is on its way, or something that we have no word for. */
export type PowerWord = 'Running' | 'Off' | 'Saved' | 'Paused' | 'Starting' | 'Stopping' | 'Saving' | 'Pausing' | 'Resuming' | 'Other';

const states: Readonly<Record<Version, Readonly<Record<number, PowerWord>>>> = {
  v1: {
    2: 'Running',
    3: 'Off',
    32768: 'Paused',
    32769: 'Saved',
    32770: 'Starting',
    32773: 'Saving',
    32774: 'Stopping',
    32776: 'Pausing',
    32777: 'Resuming',
  },
  v2: { 2: 'Running', 3: 'Off', 4: 'Stopping', 6: 'Saved', 9: 'Paused', 10: 'Starting' },
};

export const powerOf = ({ version, common }: ObjectOf<typeof computerSystem>): PowerWord =>
  states[version][common.EnabledState ?? 0] ?? 'Other';

const lasting: readonly PowerWord[] = ['Running', 'Off', 'Saved', 'Paused'];

export const isBetweenStates = (system: ObjectOf<typeof computerSystem>): boolean => !lasting.includes(powerOf(system));

/** Major failure; critical failure is 25, and nothing that can be mended is above. A machine whose disk cannot grow has that. */
const majorFailure = 20;

/** Whether something of it has failed: of one that is paused, Hyper-V Manager says `Paused-Critical`. */
export const isCritical = ({ common }: ObjectOf<typeof computerSystem>): boolean => (common.HealthState ?? 0) >= majorFailure;

/** What a machine can be asked for. `Start` also resumes what is paused, and restores what is saved. */
export type PowerWish = 'Start' | 'Off' | 'Pause' | 'Save' | 'Reset';

const requests: Readonly<Record<Version, Readonly<Record<PowerWish, number>>>> = {
  // What is called reboot there is what a reset button does; 11 is not used yet.
  v1: { Start: 2, Off: 3, Pause: 32768, Save: 32769, Reset: 10 },
  v2: { Start: 2, Off: 3, Pause: 9, Save: 6, Reset: 11 },
};

export const requestedState = (version: Version, wish: PowerWish): number => requests[version][wish];
