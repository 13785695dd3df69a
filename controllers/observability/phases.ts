import type { VirtualMachine } from '#crds/types.js';
import { isReady } from '../conditions.js';
import type { Change, ReadonlyStore } from '../kubernetes/store.js';

/**
 * Tells how long new machines take to each of their phases. Only of those that were seen before anybody had looked at them: of others it is
 * not known whether they were ready before. The returned function ends it.
 */
export function followPhases(
  machines: ReadonlyStore<VirtualMachine>,
  came: (phase: string, seconds: number) => void,
  now: () => number = Date.now,
): () => void {
  /** Uids of those that have not been ready yet. */
  const fresh = new Set<string>();
  const begin = ({ metadata, status }: VirtualMachine) => {
    if (status?.conditions === undefined) fresh.add(metadata.uid);
  };
  const went = (object: VirtualMachine, previous: VirtualMachine) => {
    const { metadata, status } = object;
    if (!fresh.has(metadata.uid)) return;
    const phase = status?.printableStatus;
    if (phase !== undefined && phase !== previous.status?.printableStatus)
      came(phase, Math.max(0, now() - Date.parse(metadata.creationTimestamp)) / 1_000);
    if (isReady(object)) fresh.delete(metadata.uid);
  };
  for (const machine of machines.list()) begin(machine);
  return machines.subscribe((change: Change<VirtualMachine>) => {
    if (change.kind === 'added') begin(change.object);
    else if (change.kind === 'updated') went(change.object, change.previous);
    else fresh.delete(change.previous.metadata.uid);
  });
}
