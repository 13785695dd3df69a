import type { Machine, MachineDefinition, MachineShape } from '#drivers/driver.js';
import { type Difference, differences } from './difference.js';
import { digestsOf, hasEntry, hasKey, isStale, keysOf } from './digests.js';
import { type Drifted, type DriftWish, isLeft, policyFor } from './drifted.js';
import { limitsTaken } from './limits.js';
import { runningDifferences } from './live.js';
import { backOffOf, dueAt, recentlyPutBack } from './put-back.js';
import { type MachineRecord, mostAccepted } from './record.js';
import { seedFields } from './seed-kind.js';
import { fieldsIn, pathsOf, textOf, valueAt, withFields } from './shape-fields.js';

export interface Settled {
  /** What the definition is to say: what is asked, but for what others may have changed. */
  readonly definition: MachineDefinition;
  /** The machine, without what of its difference from its definition is left to others. */
  readonly machine: Machine;
  readonly drift: readonly Drifted[];
  /** With what is accepted now. */
  readonly record: MachineRecord;
}

interface Known {
  readonly machine: Machine;
  readonly record: MachineRecord;
  readonly now: number;
}

const enforce: DriftWish = { policy: 'Enforce' };

/** Which differences are another hand's, and what becomes of each. Pure. */
export function settle(wanted: MachineDefinition, { machine, record, now }: Known, wish: DriftWish = enforce): Settled {
  const asked = limitsTaken(wanted, record);
  const { configured } = machine;
  const { applied } = record;
  if (configured === undefined) return { definition: asked, machine, drift: [], record };
  const whole = withNoRoom(machine, wanted);
  if (applied === undefined) return { definition: asked, machine: whole, drift: [], record: begun(wanted, asked, machine, record, wish) };
  const judge = (field: string, where: Drifted['where'], has: MachineShape) => judged({ field, where }, has, { wanted, record, now, wish });
  const inDefinition = differences(configured, asked)
    .filter((difference) => !isPassword(difference))
    .flatMap(pathsOf)
    .filter((path) => machine.halfSeed !== true || !seedPaths.includes(path))
    .filter((path) => hasEntry(applied, path, valueAt(wanted, path)))
    .map((path) => judge(path, 'Definition', configured));
  const left = inDefinition.filter(isLeft).map(({ field }) => field);
  const definition = withFields(asked, configured, left);
  const { live } = machine;
  const running = live === undefined ? [] : runningDrift(wanted, machine, record, inDefinition).map((path) => judge(path, 'Running', live));
  const apart = [...left, ...running.filter(isLeft).map(({ field }) => field)];
  const seen =
    live === undefined || apart.length === 0 ? whole : { ...whole, configured: withFields(whole.configured ?? configured, live, apart) };
  const kept = accepting(record, inDefinition, configured);
  const isAsAsked = differences(configured, definition).length === 0;
  const settled = isAsAsked ? refreshed(kept, wanted, configured) : kept;
  return { definition, machine: seen, drift: [...inDefinition, ...running], record: settled };
}

/** Half a seed is our own doing, which the next definition finishes. */
const seedPaths: readonly string[] = Object.values(seedFields).map((field) => `spec.${field}`);

/**
 * A definition without room above what it has says nothing of it, and so does one whose size was lowered while it runs, which changes nothing of the
 * room. Only where the manifest asks for none does what runs with some let go of it at its next start.
 */
function withNoRoom(machine: Machine, { maxCpuCount, maxMemoryBytes }: MachineDefinition): Machine {
  const { live, configured } = machine;
  if (live === undefined || configured === undefined) return machine;
  const cpu = live.maxCpuCount !== undefined && configured.maxCpuCount === undefined && maxCpuCount === configured.cpuCount;
  const memory = live.maxMemoryBytes !== undefined && configured.maxMemoryBytes === undefined && maxMemoryBytes === configured.memoryBytes;
  if (!cpu && !memory) return machine;
  return { ...machine, configured: { ...configured, ...(cpu ? { maxCpuCount } : {}), ...(memory ? { maxMemoryBytes } : {}) } };
}

/** Of a machine that was defined before any of this was written down, only where it matters who changed what. */
function begun(
  wanted: MachineDefinition,
  asked: MachineDefinition,
  machine: Machine,
  record: MachineRecord,
  wish: DriftWish,
): MachineRecord {
  const matters = [wish, ...(wish.rules ?? [])].some(({ policy }) => policy !== 'Enforce');
  const { configured } = machine;
  if (!matters || configured === undefined || differences(configured, asked).length > 0) return record;
  return noteDefined(record, wanted, configured, machine);
}

/** What is asked by now and was there already, so that it need not be defined. Where a port's words go waits for the next definition. */
function refreshed(record: MachineRecord, wanted: MachineDefinition, { serialLog }: MachineShape): MachineRecord {
  const fields = fieldsIn(wanted);
  const there = serialLog === wanted.serialLog ? fields : fields.filter(([path]) => path !== 'spec.devices.serial');
  const { applied } = record;
  return applied === '' || (applied !== undefined && isStale(applied, there)) ? { ...record, applied: digestsOf(fields) } : record;
}

/** In what a running machine is not as its definition, though it was. */
function runningDrift(
  wanted: MachineDefinition,
  machine: Machine,
  { applied = '', behind = '', live: asked = {}, putBack = {} }: MachineRecord,
  inDefinition: readonly Drifted[],
): readonly string[] {
  return runningDifferences(machine)
    .filter(({ difference }) => !hasKey(behind, difference.field) && !isNobodys(difference))
    .flatMap(({ difference, key }) => pathsOf(difference).filter((path) => asked[key] === undefined || putBack[path] !== undefined))
    .filter((path) => hasEntry(applied, path, valueAt(wanted, path)) && !inDefinition.some(({ field }) => field === path));
}

/** Nothing of it is written down, so that nobody can say whose change it is: it is set. That there is no such screen is another thing. */
const isPassword = ({ part }: Difference): boolean => part?.kind === 'graphics';

/** How much memory a guest has is a matter between its balloon and its host, from each start on. */
const isNobodys = (difference: Difference): boolean => isPassword(difference) || difference.part?.kind === 'memory';

interface Judging {
  readonly wanted: MachineDefinition;
  readonly record: MachineRecord;
  readonly now: number;
  readonly wish: DriftWish;
}

function judged(drift: Pick<Drifted, 'field' | 'where'>, has: MachineShape, { wanted, record, now, wish }: Judging): Drifted {
  const { field, where } = drift;
  const found = valueAt(has, field);
  const texts = { declared: textOf(field, valueAt(wanted, field)), found: textOf(field, found) };
  if (where === 'Definition' && hasEntry(record.accepted ?? '', field, found)) return { ...drift, ...texts, treatment: 'Accept' };
  const policy = policyFor(field, wish);
  // What only runs is no truth to take: it ends with the machine.
  if (policy !== 'Enforce') return { ...drift, ...texts, treatment: where === 'Running' ? 'Observe' : policy };
  // A stop that is under way puts back what it was begun for, and was counted then.
  const isUnderway = where === 'Running' && record.stopRequestedAt !== undefined;
  const due = isUnderway ? 0 : dueAt(backOffOf(record, field));
  return { ...drift, ...texts, treatment: policy, ...(due > now ? { heldUntil: due } : {}) };
}

/** Of what is found now, and of nothing else: digests whose keys are the same must not take turns. */
function accepting({ accepted: _, ...record }: MachineRecord, drift: readonly Drifted[], configured: MachineShape): MachineRecord {
  const paths = drift.flatMap(({ field, treatment }) => (treatment === 'Accept' ? [field] : [])).sort();
  const fields = paths.map((path) => [path, valueAt(configured, path)] as const);
  return fields.length === 0 ? record : { ...record, accepted: digestsOf(fields, mostAccepted) };
}

/** The record that goes with a definition: what was asked with it, and in what the running machine is not so yet. */
export function noteDefined(
  { behind: _, ...record }: MachineRecord,
  wanted: MachineDefinition,
  definition: MachineShape,
  machine?: Machine,
): MachineRecord {
  const running = machine?.live === undefined ? [] : runningDifferences({ live: machine.live, configured: definition });
  const behind = keysOf(running.map(({ difference }) => difference.field));
  return { ...record, applied: digestsOf(fieldsIn(wanted)), ...(behind === '' ? {} : { behind }) };
}

/** What the running machine has got by now need not be remembered, nor what was put back long ago. */
export function forgetSettled({ putBack, behind, ...rest }: MachineRecord, machine: Machine, now: number): MachineRecord {
  const open = runningDifferences(machine).map(({ difference }) => difference.field);
  const still = behind === undefined || machine.live === undefined ? behind : keysOf(open.filter((field) => hasKey(behind, field)));
  return { ...rest, ...(still ? { behind: still } : {}), ...(putBack === undefined ? {} : recentlyPutBack({ putBack }, now)) };
}
