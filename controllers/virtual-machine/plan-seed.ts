import type { Machine, MachineDefinition, MachineSeed } from '#drivers/driver.js';
import { act, type Plan, refuse } from '../plan.js';
import type { MachineAction, Subject } from './action.js';
import { baseName, type KeptBecause, keepsItsSeed, ownSeed, wasTold, whyKept } from './kept-seed.js';
import type { MachineRecord } from './record.js';
import { type DesiredSeed, machineSeed, type RefusedSeed, type SeedStore } from './seed.js';

/** What a guest is told at its first boot. */
export interface WantedSeed {
  readonly seed?: DesiredSeed;
  readonly seedStore?: SeedStore;
  /** Why it is not there yet, or cannot be. */
  readonly missingSeed?: readonly string[];
  readonly refusedSeed?: RefusedSeed;
  /** Nobody asked for one. */
  readonly seedByDefault?: true;
  /** It has one already, and what it is to be now cannot be had. */
  readonly keptSeed?: MachineSeed;
  /** Why that is so. Without `keptSeed` the machine has none, and goes on so. */
  readonly keptBecause?: KeptBecause;
}

type Unsettled = 'seed' | 'missingSeed' | 'refusedSeed' | 'keptSeed' | 'keptBecause';

/**
 * A machine that was made without a seed is given none by default. One that has a seed keeps it while what is asked for cannot be had: a Secret is often
 * taken away once the guest has read it, and a host may come to write no files any more; the machine must start, and be changed, all the same.
 */
export function seededFor<D extends WantedSeed>(
  desired: D,
  { machine, record }: Pick<Subject, 'machine' | 'record'>,
): D | (Omit<D, Unsettled> & Pick<WantedSeed, 'keptSeed' | 'keptBecause'>) {
  const { seed: _seed, missingSeed: _missing, refusedSeed: _refused, keptSeed: _kept, keptBecause: _because, ...rest } = desired;
  const has = ownSeed(machine, desired);
  if (desired.seedByDefault === true && has === undefined) return rest;
  if (!keepsItsSeed(desired, machine, record)) return desired;
  return { ...rest, ...(has === undefined ? {} : { keptSeed: has }), keptBecause: whyKept(desired, has) };
}

/** Defined without a seed meanwhile, the machine would look as one that was never told anything. It is forgotten once it has one, or is to have none. */
export function noteTold(record: MachineRecord, wanted: WantedSeed, { machine, record: before }: Pick<Subject, 'machine' | 'record'>) {
  const { told: _, ...rest } = record;
  if ((machine.configured ?? machine.live)?.seed !== undefined) return rest;
  const isSo = wanted.keptBecause === undefined ? wanted.seed !== undefined && before.told === true : wasTold(machine, before);
  return isSo ? { ...rest, told: true as const } : rest;
}

export function seeded(definition: MachineDefinition, { seed, keptSeed }: WantedSeed): MachineDefinition {
  const its = seed === undefined ? keptSeed : machineSeed(seed);
  return its === undefined ? definition : { ...definition, seed: its };
}

/** A guest looks for what it is told at its first boot, and never again: without that it is not booted for the first time. */
export const planUntold = ({ refusedSeed }: WantedSeed): Plan<never> =>
  refusedSeed === undefined ? [] : [refuse('Unfit', refusedSeed.because)];

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

/** `gone`: none is left, as far as is known. */
export function planUnseeding({ seedStore }: WantedSeed, gone: boolean | undefined): Plan<MachineAction> {
  if (seedStore === undefined || gone === true) return [];
  const { poolUuid, family } = seedStore;
  return [act({ kind: 'unseed', poolUuid, family }, 'the resource was deleted')];
}
