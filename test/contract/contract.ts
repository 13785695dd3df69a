import type { Test } from 'tap';
import { adoptionContract } from './adoption.js';
import { brokenConnectionContract, connectionContract } from './connection.js';
import { consolesContract } from './consoles.js';
import { draftsContract } from './drafts.js';
import { eventsContract } from './events.js';
import { guestsContract } from './guests.js';
import { liveContract } from './live.js';
import { machinesContract } from './machines.js';
import { marksContract } from './marks.js';
import { networksContract } from './networks.js';
import { onStage } from './on-stage.js';
import { ownersContract } from './owners.js';
import { poolsContract } from './pools.js';
import { powerContract } from './power.js';
import { snapshotsContract } from './snapshots.js';
import type { Stage } from './stage.js';
import { statsContract } from './stats.js';
import type { OptionalFacet, RareFacet, Subject } from './subject.js';
import { volumesContract } from './volumes.js';

type Contract = (t: Test, stage: Stage) => Promise<void>;

const always = {
  connection: connectionContract,
  machines: machinesContract,
  marks: marksContract,
  owners: ownersContract,
  power: powerContract,
} as const;

const byFacet: Readonly<Record<OptionalFacet, Contract>> = {
  live: liveContract,
  adoption: adoptionContract,
  pools: poolsContract,
  volumes: volumesContract,
  networks: networksContract,
  consoles: consolesContract,
  guests: guestsContract,
  events: eventsContract,
  stats: statsContract,
  drafts: draftsContract,
};

const byRareFacet: Readonly<Record<RareFacet, Contract>> = { snapshots: snapshotsContract };

const everything: Readonly<Record<keyof typeof always | OptionalFacet | RareFacet, Contract>> = { ...always, ...byFacet, ...byRareFacet };

export type Part = keyof typeof everything;

/** In milliseconds: real guests that are emulated on a busy machine take their time. */
const patience = 800_000;

/** What every driver must do, sentence by sentence as `drivers/driver.ts` has it. Uses that interface, and the subject's peer. */
export async function contract(t: Test, subject: Subject): Promise<void> {
  await t.test(`${subject.name} keeps the contract`, { timeout: subject.patienceMs ?? patience }, async (t) => {
    await onStage(t, subject, async (stage) => {
      for (const [name, check] of Object.entries(always)) await tryPart(t, stage, name, check);
      for (const [facet, check] of Object.entries(byFacet)) {
        const skip = subject.without?.some((absent) => absent === facet) === true && `${subject.name} states that it has no ${facet}`;
        await tryPart(t, stage, facet, check, skip);
      }
      for (const facet of ['snapshots'] as const) {
        const skip = stage.driver[facet] === undefined && `${subject.name} has no ${facet}`;
        await tryPart(t, stage, facet, byRareFacet[facet], skip);
      }
      await t.test('a lost host', (t) => brokenConnectionContract(t, stage));
    });
  });
}

/** Each part clears away what it made: of hundreds of machines a host, and who asks it for all of them, answers later each time. */
async function tryPart(t: Test, stage: Stage, name: string, check: Contract, skip: string | false = false): Promise<void> {
  await t.test(name, { skip }, async (t) => {
    await check(t, stage);
    await t.test('what was made for that is cleared away', async () => stage.clear());
  });
}

/** Some of it, for a driver that has shown the rest on another host, or by another way. */
export async function partialContract(t: Test, subject: Subject, ...parts: readonly Part[]): Promise<void> {
  await t.test(`${subject.name} keeps the contract of ${parts.join(', ')}`, { timeout: patience }, async (t) => {
    await onStage(t, subject, async (stage) => {
      for (const part of parts) await tryPart(t, stage, part, everything[part]);
    });
  });
}

/** What every pool and its volumes must do. */
export const storesContract = (t: Test, subject: Subject): Promise<void> => partialContract(t, subject, 'pools', 'volumes');

/** What every machine must do, for another kind of machine on a host whose other facets have shown themselves. */
export async function kindContract(t: Test, subject: Subject): Promise<void> {
  await t.test(`${subject.name} keeps the contract of machines`, { timeout: subject.patienceMs ?? patience }, async (t) => {
    const checks = {
      machines: machinesContract,
      power: powerContract,
      live: liveContract,
      consoles: consolesContract,
      stats: statsContract,
      drafts: draftsContract,
    };
    await onStage(t, subject, async (stage) => {
      for (const [name, check] of Object.entries(checks)) await tryPart(t, stage, name, check);
    });
  });
}
