import { type StorageVolume, storageVolumes, type VirtualMachine, virtualMachines } from '#crds/types.js';
import type { Binder } from '../binder.js';
import { ApiError } from '../kubernetes/client.js';
import { deleteSeen, getNow } from '../kubernetes/now.js';
import { keyOf } from '../kubernetes/resource.js';
import { ownerMachines, type TemplateStep, templateSteps } from './template.js';

/** Makes the volumes that a machine has templates for, and gives those that it must wait for instead, with the reason. */
export async function makeVolumes(binder: Binder, machine: VirtualMachine, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const { store } = binder.watched.volumes;
  const steps = templateSteps(machine, (name) => store.get(`${machine.metadata.namespace}/${name}`));
  for (const step of steps) await take(binder, step, signal);
  return new Map(steps.flatMap((step) => (step.kind === 'wait' ? [[step.name, step.because]] : [])));
}

async function take({ client, watched, locks }: Binder, step: TemplateStep, signal: AbortSignal): Promise<void> {
  const { store, decode } = watched.volumes;
  if (step.kind === 'create') {
    try {
      store.set(decode(await client.create(storageVolumes, step.manifest, signal)));
    } catch (reason) {
      // There is one that the watch has yet to bring: it is looked at then.
      if (!ApiError.is(reason, 'AlreadyExists')) throw reason;
    }
  }
  if (step.kind === 'patch') {
    const { metadata } = step.volume;
    const { resourceVersion } = metadata;
    await locks.hold([keyOf(metadata)], async () =>
      store.set(decode(await client.mergePatch(storageVolumes, metadata, step.patch, { resourceVersion }, signal))),
    );
  }
}

/**
 * Deletes a volume whose machine is gone, if it was to go with it. A garbage collector does the same; where there is none, or it is slow,
 * nothing is left behind. What a watch shows may be old: the API server itself is asked whether there is no such machine.
 */
export async function wentWithItsMachine({ client, watched }: Binder, volume: StorageVolume, signal: AbortSignal): Promise<boolean> {
  const { metadata } = volume;
  const owners = ownerMachines(volume);
  if (owners.length === 0 || metadata.deletionTimestamp !== undefined) return false;
  for (const { name, uid } of owners) {
    if (watched.machines.store.byIndex('uid', uid).length > 0) return false;
    if ((await getNow(client, virtualMachines, { namespace: metadata.namespace, name }, signal))?.metadata.uid === uid) return false;
  }
  await deleteSeen(client, storageVolumes, volume, signal);
  return true;
}
