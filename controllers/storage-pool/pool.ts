import { type StoragePool, type StoragePoolStatus, storagePoolInstances, storagePools } from '#crds/types.js';
import type { Binder } from '../binder.js';
import { boundAnnotation } from '../bound.js';
import { conditions, isReady, readiness, type Standing } from '../conditions.js';
import { finalizer, removeFinalizer } from '../finalizer.js';
import { ApiError } from '../kubernetes/client.js';
import { publishStatus } from '../loop.js';
import { instanceName, isSelected } from '../placement/bind-volume.js';
import type { Outcome } from '../reconcile.js';

const mostFailuresNamed = 10;

/** Keeps one instance per selected host, and tells in the pool's status how they fare. */
export async function reconcilePool(binder: Binder, pool: StoragePool, signal: AbortSignal): Promise<Outcome> {
  const { client, watched } = binder;
  const wanted =
    pool.metadata.deletionTimestamp === undefined
      ? watched.hypervisors.store
          .list()
          .filter((hypervisor) => isSelected(pool, hypervisor))
          .map(({ metadata }) => metadata.name)
      : [];
  const existing = watched.instances.store.byIndex('pool', pool.metadata.name);
  if (pool.metadata.deletionTimestamp === undefined && !pool.metadata.finalizers?.includes(finalizer)) await hold(binder, pool, signal);
  for (const hypervisor of wanted)
    if (!existing.some(({ spec }) => spec.hypervisor === hypervisor)) await createInstance(binder, pool, hypervisor, signal);
  for (const { metadata, spec } of existing) {
    if (!wanted.includes(spec.hypervisor) && metadata.deletionTimestamp === undefined)
      await client.delete(storagePoolInstances, metadata, { uid: metadata.uid }, signal).catch(ignoreGone);
  }
  if (pool.metadata.deletionTimestamp !== undefined && existing.length === 0) {
    await removeFinalizer(client, storagePools, pool, signal);
    return { kind: 'converged' };
  }
  const seen = watched.pools.store.get(pool.metadata.name) ?? pool;
  await publishStatus({ client, ...watched.pools }, seen, statusOf(binder, seen, wanted), signal);
  return { kind: 'converged' };
}

async function hold({ client, watched }: Binder, { metadata }: StoragePool, signal: AbortSignal): Promise<void> {
  const finalizers = [...(metadata.finalizers ?? []), finalizer];
  const held = await client.mergePatch(
    storagePools,
    metadata,
    { metadata: { finalizers } },
    { resourceVersion: metadata.resourceVersion },
    signal,
  );
  watched.pools.store.set(watched.pools.decode(held));
}

/** Made with the finalizer that its host's agent takes off once nothing of it is left there. */
async function createInstance(
  { client, watched }: Binder,
  { metadata }: StoragePool,
  hypervisor: string,
  signal: AbortSignal,
): Promise<void> {
  const ownerReferences = [
    { apiVersion: 'virtwright.io/v1alpha1', kind: 'StoragePool', name: metadata.name, uid: metadata.uid, controller: true },
  ];
  const manifest = {
    metadata: {
      name: instanceName(metadata.name, hypervisor),
      finalizers: [finalizer],
      ownerReferences,
      annotations: { [boundAnnotation]: `${hypervisor}/${metadata.uid}` },
    },
    spec: { poolRef: { name: metadata.name }, hypervisor },
  };
  try {
    watched.instances.store.set(watched.instances.decode(await client.create(storagePoolInstances, manifest, signal)));
  } catch (reason) {
    if (!(reason instanceof ApiError) || reason.reason !== 'AlreadyExists') throw reason;
  }
}

function statusOf({ watched }: Binder, pool: StoragePool, wanted: readonly string[]): StoragePoolStatus {
  const { metadata, status: before } = pool;
  const instances = watched.instances.store.byIndex('pool', metadata.name);
  const ready = instances.filter((instance) => wanted.includes(instance.spec.hypervisor) && isReady(instance));
  const failing = instances
    .filter((instance) => !isReady(instance))
    .map(({ spec, status }) => ({
      hypervisor: spec.hypervisor,
      message: status?.conditions?.find(({ type }) => type === 'Ready')?.message || 'not reported yet',
    }))
    .sort((a, b) => a.hypervisor.localeCompare(b.hypervisor))
    .slice(0, mostFailuresNamed);
  return {
    observedGeneration: metadata.generation,
    hosts: { desired: wanted.length, ready: ready.length },
    ...(failing.length === 0 ? {} : { failing }),
    conditions: conditions(
      before?.conditions,
      metadata.generation,
      Date.now(),
      readiness(stands(pool, wanted.length, ready.length, instances.length)),
    ),
  };
}

function stands({ metadata }: StoragePool, wanted: number, ready: number, left: number): Standing {
  if (metadata.deletionTimestamp !== undefined)
    return { kind: 'reconciling', reason: 'Deleting', message: `waiting for ${left} hosts to let go of it` };
  if (wanted === 0) return { kind: 'reconciling', reason: 'NoHypervisor', message: 'no Hypervisor is selected by it' };
  if (ready < wanted) return { kind: 'reconciling', reason: 'NotEverywhere', message: `ready on ${ready} of ${wanted} hosts` };
  return { kind: 'ready', reason: 'Everywhere', message: '' };
}

function ignoreGone(reason: unknown): void {
  if (!(reason instanceof ApiError) || reason.reason !== 'NotFound') throw reason;
}
