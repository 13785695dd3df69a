import type { Machine, MachineDefinition, MachineSeed } from '#drivers/driver.js';
import { act, type Plan, refuse } from '../plan.js';
import type { MachineAction, Subject } from './action.js';
import { isNoted } from './digests.js';
import { hasRun } from './record.js';
import { type DesiredSeed, machineSeed, type SeedStore } from './seed.js';
import { seedFields } from './seed-kind.js';

/** What a guest is told at its first boot. */
export interface WantedSeed {
  readonly seed?: DesiredSeed;
  readonly seedStore?: SeedStore;
  /** Why it is not there yet, or cannot be. */
  readonly missingSeed?: readonly string[];
  readonly refusedSeed?: string;
  /** Nobody asked for one. */
  readonly seedByDefault?: true;
  /** It has one already, and what it is to be now is not known. */
  readonly keptSeed?: MachineSeed;
}

/**
 * A machine that was made without a seed is given none by default. One that has a seed keeps it while what it is made of is missing: a
 * Secret is often taken away once the guest has read it, and the machine must start all the same.
 */
export function seededFor<D extends WantedSeed>(
  desired: D,
  { configured, live }: Machine,
): D | (Omit<D, 'seed' | 'missingSeed' | 'refusedSeed' | 'keptSeed'> & Pick<WantedSeed, 'keptSeed'>) {
  const has = (configured ?? live)?.seed;
  const { seed: _seed, missingSeed, refusedSeed: _refused, keptSeed: _kept, ...rest } = desired;
  if (has !== undefined && missingSeed !== undefined) return { ...rest, keptSeed: has };
  return desired.seedByDefault === true && has === undefined ? rest : desired;
}

export function seeded(definition: MachineDefinition, { seed, keptSeed }: WantedSeed): MachineDefinition {
  const its = seed === undefined ? keptSeed : machineSeed(seed);
  return its === undefined ? definition : { ...definition, seed: its };
}

/** A guest looks for what it is told at its first boot, and never again: without that it is not booted for the first time. */
export function planUntold({ refusedSeed }: WantedSeed, { machine, record }: Pick<Subject, 'machine' | 'record'>): Plan<never> {
  const has = (machine.configured ?? machine.live)?.seed;
  return refusedSeed === undefined || has !== undefined || hasRun(record) ? [] : [refuse('Unfit', refusedSeed)];
}

/**
 * Of a guest that has booted with what it was told once, and has nothing left of that: the Secret is often taken away by then, and a checkpoint that was
 * brought back may have cost the rest. It starts all the same, but is not defined meanwhile, so that what it was told stays on record.
 */
export function startsUntold(waits: Plan<never>, { machine, record }: Pick<Subject, 'machine' | 'record'>): boolean {
  const isForSeed = waits.every((one) => one.kind === 'wait' && one.reason === 'WaitingForSeed');
  const wasTold = machine.halfSeed === true || Object.values(seedFields).some((field) => isNoted(record.applied ?? '', `spec.${field}`));
  return isForSeed && wasTold && hasRun(record);
}

/** Before a definition names it, and before a machine starts with it. `kept`: it was seen to be there since it was last taken up. */
export function planSeeding({ seed }: WantedSeed, machine: Machine | undefined, kept: boolean | undefined): Plan<MachineAction> {
  if (seed?.kind !== 'stored' || kept === true) return [];
  const { poolUuid, family, nativeName, content } = seed;
  const inUse = [machine?.configured, machine?.live].flatMap((shape) => (shape?.seed === undefined ? [] : [baseName(shape.seed.location)]));
  return [act({ kind: 'seed', poolUuid, seed: { family, nativeName, content, inUse } }, 'the guest is to find its seed')];
}

/**
 * One that is carried is looked for by defining the machine again, which changes nothing when it is there. What was saved of a machine goes on with what its
 * guest has read, and no definition reaches it before.
 */
export const isToBeLookedFor = ({ seed }: WantedSeed, { power }: Pick<Machine, 'power'>, kept: boolean | undefined): boolean =>
  seed?.kind === 'carried' && kept !== true && power.reason !== 'Saved';

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** `gone`: none is left, as far as is known. */
export function planUnseeding({ seedStore }: WantedSeed, gone: boolean | undefined): Plan<MachineAction> {
  if (seedStore === undefined || gone === true) return [];
  const { poolUuid, family } = seedStore;
  return [act({ kind: 'unseed', poolUuid, family }, 'the resource was deleted')];
}
