import { createHash } from 'node:crypto';
import type { Capability, Machine } from '#drivers/driver.js';
import { noStartCures, type PendingChange, pendingChanges } from './live.js';
import { type MachineRecord, mostRestartedFor, withoutLive } from './record.js';

/** What is done, or not asked for any more, need not be remembered. */
export function forgetDone(record: MachineRecord, machine: Machine, capabilities: readonly Capability[]): MachineRecord {
  if (record.live === undefined && record.restartedFor === undefined) return record;
  const open = pendingChanges(machine, capabilities);
  const keys = new Set(open.map(({ key }) => key));
  const left = withoutLive(record, (key) => !keys.has(key));
  // Only one that runs shows what its restart has brought about.
  return machine.power.state === 'On' && machine.live !== undefined ? withoutRestarts(left, open) : left;
}

function withoutRestarts({ restartedFor = [], ...record }: MachineRecord, open: readonly PendingChange[]): MachineRecord {
  const digests = new Set(open.map(digestOf));
  const left = restartedFor.filter((digest) => digests.has(digest));
  return left.length === 0 ? record : { ...record, restartedFor: left };
}

const digestOf = ({ key }: PendingChange): string => createHash('sha256').update(key).digest('hex').slice(0, 8);

export const wasRestartedFor = (change: PendingChange, { restartedFor = [] }: MachineRecord): boolean =>
  restartedFor.includes(digestOf(change));

/** The record before a restart for these; all of those that it is for at once. */
export const noteRestart = (record: MachineRecord, changes: readonly PendingChange[]): MachineRecord => ({
  ...record,
  restartedFor: [...new Set([...(record.restartedFor ?? []), ...changes.map(digestOf)])].slice(0, mostRestartedFor),
});

/** How many more can be noted. */
export const roomFor = ({ restartedFor = [] }: MachineRecord): number => mostRestartedFor - restartedFor.length;

/** How often a host is asked, before it is taken to refuse for more than the moment. */
const triesBeforeRestart = 3;

/** A start is the remedy: what the host lacks just now, as a file or memory, it would lack at the start, too. */
export function isCuredByRestart(change: PendingChange, { live }: MachineRecord): boolean {
  if (change.class === 'NextBoot') return false;
  const asked = noStartCures(change) ? undefined : live?.[change.key];
  return change.class === 'Restart' || (asked?.refused !== undefined && (asked.forGood === true || asked.times >= triesBeforeRestart));
}
