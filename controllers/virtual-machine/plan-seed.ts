import type { Machine, MachineDefinition } from '#drivers/driver.js';
import { act, type Plan } from '../plan.js';
import type { MachineAction } from './action.js';
import { type DesiredSeed, machineSeed, type SeedStore } from './seed.js';

export const seedFields = { CloudInit: 'cloudInit', Ignition: 'ignition', Sysprep: 'sysprep' } as const;

/** What a guest is told at its first boot. */
export interface WantedSeed {
  readonly seed?: DesiredSeed;
  readonly seedStore?: SeedStore;
  /** Why it is not there yet, or cannot be. */
  readonly missingSeed?: readonly string[];
  readonly refusedSeed?: string;
  /** Nobody asked for one. */
  readonly seedByDefault?: true;
}

/** A machine that was made without a seed is given none by default. */
export function seededFor<D extends WantedSeed>(
  desired: D,
  { configured, live }: Machine,
): D | Omit<D, 'seed' | 'missingSeed' | 'refusedSeed'> {
  if (desired.seedByDefault !== true || (configured ?? live)?.seed !== undefined) return desired;
  const { seed: _seed, missingSeed: _missing, refusedSeed: _refused, ...rest } = desired;
  return rest;
}

export const seeded = (definition: MachineDefinition, { seed }: WantedSeed): MachineDefinition =>
  seed === undefined ? definition : { ...definition, seed: machineSeed(seed) };

/** Before a definition names it, and before a machine starts with it. `kept`: it was seen to be there since it was last taken up. */
export function planSeeding({ seed }: WantedSeed, machine: Machine | undefined, kept: boolean | undefined): Plan<MachineAction> {
  if (seed === undefined || kept === true) return [];
  const { poolUuid, family, nativeName, content } = seed;
  const inUse = [machine?.configured, machine?.live].flatMap((shape) => (shape?.seed === undefined ? [] : [baseName(shape.seed.location)]));
  return [act({ kind: 'seed', poolUuid, seed: { family, nativeName, content, inUse } }, 'the guest is to find its seed')];
}

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** `gone`: none is left, as far as is known. */
export function planUnseeding({ seedStore }: WantedSeed, gone: boolean | undefined): Plan<MachineAction> {
  if (seedStore === undefined || gone === true) return [];
  const { poolUuid, family } = seedStore;
  return [act({ kind: 'unseed', poolUuid, family }, 'the resource was deleted')];
}
