import type { Machine, MachineSeed } from '#drivers/driver.js';
import { isAskedFor } from './digests.js';
import { hasRun, type MachineRecord } from './record.js';
import type { RefusedSeed } from './seed.js';
import { seedFields } from './seed-kind.js';

/** Why a machine keeps the seed that it has, or goes on without one. */
export interface KeptBecause {
  readonly reason: 'WaitingForSeed' | 'Unfit';
  readonly because: string;
  /** What its host does not take. */
  readonly field?: string;
  /** What it has is what is asked for. */
  readonly isAsAsked?: true;
}

interface Unhad {
  readonly missingSeed?: readonly string[];
  readonly refusedSeed?: RefusedSeed;
}

/** One that runs keeps what it runs with: what waited for its next start is not brought any more where its host refuses it. */
export const ownSeed = ({ configured, live }: Machine, { refusedSeed }: Unhad): MachineSeed | undefined =>
  (refusedSeed === undefined ? (configured ?? live) : (live ?? configured))?.seed;

/** One that has none goes on without only where its guest has booted: for the first time it is not booted without what it is to be told. */
export function keepsItsSeed(wanted: Unhad, machine: Machine, record: MachineRecord): boolean {
  if (wanted.missingSeed === undefined && wanted.refusedSeed === undefined) return false;
  if (ownSeed(machine, wanted) !== undefined) return true;
  return hasRun(record) && (wanted.refusedSeed !== undefined || wasTold(machine, record));
}

/** A checkpoint that was brought back may have cost what the guest was told once, and the Secret is often taken away by then. */
export const wasTold = ({ halfSeed }: Machine, { applied = '', told }: MachineRecord): boolean =>
  halfSeed === true || told === true || Object.values(seedFields).some((field) => isAskedFor(applied, `spec.${field}`));

export function whyKept({ missingSeed = [], refusedSeed }: Unhad, has: MachineSeed | undefined): KeptBecause {
  if (refusedSeed === undefined) return { reason: 'WaitingForSeed', because: waitsFor(missingSeed, has) };
  const { field, because, nativeName } = refusedSeed;
  const isAsAsked = has !== undefined && baseName(has.location) === nativeName;
  const meanwhile = has === undefined ? 'it goes on without' : 'it keeps the seed it has';
  return { reason: 'Unfit', field, because: `${because}; ${meanwhile}`, ...(isAsAsked ? { isAsAsked } : {}) };
}

function waitsFor(missing: readonly string[], has: MachineSeed | undefined): string {
  const meanwhile =
    has === undefined ? 'its guest has booted, and nothing is left of what it was told: it goes on without' : 'it keeps the seed it has';
  return `${meanwhile}, and waits for ${missing.join(', ')}; bring that back, or take it out of the manifest`;
}

export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
