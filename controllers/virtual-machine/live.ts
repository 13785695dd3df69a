import { createHash } from 'node:crypto';
import type { Capability, Machine, MachineShape, Part } from '#drivers/driver.js';
import { timestamp } from '../conditions.js';
import { act, leave, type Plan, wait } from '../plan.js';
import { type MachineAction, marked, type Subject } from './action.js';
import { type AllowedClass, type ChangeClass, classOf, usuallyAllowed } from './classes.js';
import { type Difference, differences } from './difference.js';
import { becauseOf, type Drifted, isWithin } from './drifted.js';
import { notePutBack } from './put-back.js';
import { type LiveRecord, type MachineRecord, noteAsked } from './record.js';

/** A change that a running machine has not got yet, and what it takes. */
export interface PendingChange {
  readonly field: string;
  readonly class: ChangeClass;
  /** Why it takes that. */
  readonly reason: string;
  /** The same for as long as the same is asked: what was asked of the guest is found under it in the record. */
  readonly key: string;
  readonly part?: Part;
  readonly letsGo: boolean;
}

/** Of a machine that runs: in what it differs from its definition. */
export function pendingChanges(machine: Machine, capabilities: readonly Capability[]): readonly PendingChange[] {
  return runningDifferences(machine).map(({ difference, key }) => {
    const { field, letsGo, part } = difference;
    const change = { field, ...classOf(difference, { capabilities, running: true }), key, letsGo };
    return part === undefined ? change : { ...change, part };
  });
}

/** The same, as differences, each with the key under which what was asked is found. */
export function runningDifferences({
  live,
  configured,
}: Pick<Machine, 'live' | 'configured'>): readonly { readonly difference: Difference; readonly key: string }[] {
  if (live === undefined || configured === undefined) return [];
  return differences(live, told(configured)).map((difference) => ({ difference, key: keyOf(difference, configured) }));
}

/** A definition has no limit, and a cable plugged in, where it says nothing of them. */
const told = ({ disks, interfaces, container, ...shape }: MachineShape): MachineShape => ({
  ...shape,
  ...(container === undefined ? {} : { container: { limits: {}, ...container } }),
  disks: disks.map((disk) => ({ limits: {}, ...disk })),
  interfaces: interfaces.map((one) => ({ linkState: 'Up', ...one })),
});

function keyOf({ field, part }: Difference, configured: NonNullable<Machine['configured']>): string {
  const { cpuCount, cpuShares, memoryBytes, disks, cdroms = [], interfaces, container } = configured;
  if (part === undefined) return field;
  if (part.kind === 'cpu') return `cpu ${cpuCount}`;
  if (part.kind === 'cpuShares') return `cpuShares ${cpuShares}`;
  // Nothing of a password is written down, not even its digest: it is short enough to be guessed from that.
  if (part.kind === 'graphics') return 'graphics';
  if (part.kind === 'containerLimits') return `containerLimits ${JSON.stringify(container?.limits)}`;
  if (part.kind === 'memory') return `memory ${memoryBytes}`;
  const wanted = (part.kind === 'disk' ? [...disks, ...cdroms] : interfaces).find(({ name }) => name === part.name);
  const what = wanted === undefined ? 'none' : createHash('sha256').update(JSON.stringify(wanted)).digest('hex').slice(0, 8);
  return `${part.kind} ${part.name} ${what}`;
}

/** A guest that unplugs something does so within seconds, or not at all. */
const patienceMs = 10_000;
/** One that did not may have been busy: it is asked again, less and less often. */
const firstAgainMs = 30_000;
const longestAgainMs = 3_600_000;

/** When it is asked again. A balloon keeps what it was once told. */
function againAt({ part }: PendingChange, { at, times, refused }: LiveRecord): number {
  if (part?.kind === 'memory' && refused === undefined) return Number.POSITIVE_INFINITY;
  return at + Math.min(firstAgainMs * 2 ** (times - 1), longestAgainMs);
}

/** It is noted before it is asked: whoever noted it may have died before anybody heard. Yet an unplug that was heard is taken back by another at once. */
const unheardAgainAt = ({ class: kind }: PendingChange, { at }: LiveRecord): number => (kind === 'Hotplug' ? at + patienceMs : at);

/** What can be changed while the machine runs is changed now; what the guest does not let go of, or the host refuses, is left at that. */
export function planLive(
  capabilities: readonly Capability[],
  subject: Subject,
  allow: readonly AllowedClass[] = usuallyAllowed,
  drift: readonly Drifted[] = [],
): Plan<MachineAction> {
  if (subject.machine.power.state !== 'On') return [];
  return pendingChanges(subject.machine, capabilities)
    .filter((change) => isAllowed(change, allow))
    .flatMap((change) => planChange(change, subject, drift));
}

/** It happens by itself, or nobody said that it may not. */
export const isAllowed = ({ class: kind }: Pick<PendingChange, 'class'>, allow: readonly AllowedClass[]): boolean =>
  (kind !== 'Live' && kind !== 'Hotplug') || allow.includes(kind);

/** It needs the machine off and on: by what it is, or because the host refused it while the machine runs. */
export const needsRestart = (change: PendingChange, { live }: MachineRecord): boolean => {
  const { class: kind, key } = change;
  return kind === 'Restart' || kind === 'NextBoot' || (live?.[key]?.refused !== undefined && !noStartCures(change));
};

/** Where the host refuses these to what runs it could not start the machine with them, either: a restart would leave it off. */
export const noStartCures = ({ part }: Pick<PendingChange, 'part'>): boolean => part?.kind === 'cpuShares';

function planChange(change: PendingChange, subject: Subject, drift: readonly Drifted[]): Plan<MachineAction> {
  const { machine, record, owner, now, heard } = subject;
  const { key, part, field, letsGo } = change;
  if (part === undefined || (change.class !== 'Live' && change.class !== 'Hotplug')) return [];
  const asked = record.live?.[key];
  const isHeard = asked?.refused !== undefined || heard.has(key);
  if (asked === undefined || (isHeard ? againAt(change, asked) : unheardAgainAt(change, asked)) <= now) {
    const others = asked === undefined ? drift.filter((one) => one.where === 'Running' && isWithin(one.field, field)) : [];
    const next = notePutBack(noteAsked(record, key, now), others, now);
    const mark = letsGo || others.length > 0 ? { mark: marked(subject, next) } : {};
    const because = `${field} differs in the running machine${becauseOf(others)}`;
    return [act({ kind: 'apply', id: machine.id, owner, part, key, record: next, ...mark }, because)];
  }
  const waited = now - asked.at;
  if (asked.refused === undefined && waited < patienceMs)
    return [wait('WaitingForGuest', `${field}: ${whyWaiting(change, asked)}`, Math.min(2_000, patienceMs - waited))];
  const reason = asked.refused === undefined ? 'GuestHolds' : noStartCures(change) ? 'Unsupported' : 'RestartRequired';
  return [leave(reason, `${field}: ${whyWaiting(change, asked)}`, Math.min(againAt(change, asked) - now, longestAgainMs))];
}

/** For people: what it waits for, and what they can do. */
export function whyWaiting(change: PendingChange, asked: LiveRecord | undefined): string {
  const { class: kind, part, reason } = change;
  if (kind === 'NextBoot') return `${reason}; a restart from within is none`;
  if (kind === 'Restart') return `${reason}; restart it to apply`;
  if (asked === undefined) return 'is about to be changed while the machine runs';
  const { at, refused } = asked;
  if (refused !== undefined && noStartCures(change)) return `the host cannot change it, nor start the machine with it (${refused})`;
  if (refused !== undefined) return `the host could not change it while the machine runs (${refused}); restart the machine to apply`;
  const remedy = part?.kind === 'memory' ? 'it needs a balloon driver for that' : 'see what uses it there, or restart the machine';
  return `asked of the guest at ${timestamp(at)}, which has not done so yet; ${remedy}`;
}
