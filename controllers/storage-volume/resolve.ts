import { parseQuantity } from '#crds/quantity.js';
import type { StorageVolume } from '#crds/types.js';
import { isStalled } from '../conditions.js';
import { granted } from '../grants.js';
import { type HostScope, nativeName, takeOverOf } from '../host/scope.js';
import type { ReadonlyStore } from '../kubernetes/store.js';
import type { Namespace } from '../namespaces.js';
import type { Resolution } from '../reconcile.js';
import type { Stores } from '../stores.js';
import type { DesiredVolume, FillRecord, Source } from './plan.js';

export interface VolumeStores extends Pick<Stores, 'instances'> {
  readonly namespaces: ReadonlyStore<Namespace>;
}

export function resolveVolume(volume: StorageVolume, host: HostScope, stores: VolumeStores): Resolution<DesiredVolume> {
  const { metadata, spec, status } = volume;
  const absent = metadata.deletionTimestamp !== undefined;
  const instance = status?.pool === undefined ? undefined : stores.instances.get(status.pool);
  const poolUuid = instance?.status?.uuid;
  if (poolUuid === undefined && !absent)
    return { kind: 'missing', reason: 'WaitingForPool', missing: [`pool instance "${status?.pool}": not there yet`] };
  const familyName = nativeName(host, metadata.namespace, metadata.name);
  const format = status?.format ?? spec.format ?? spec.source?.format;
  const source = sourceOf(volume, host, stores);
  const takeOver = takeOverOf(volume, host);
  return {
    kind: 'desired',
    desired: {
      want: absent ? 'absent' : 'present',
      host: host.name,
      uid: metadata.uid,
      poolUuid: poolUuid ?? '',
      poolName: status?.pool ?? '',
      poolComes: instance !== undefined && instance.metadata.deletionTimestamp === undefined && !isStalled(instance),
      nativeName: status?.nativeName ?? `${familyName}-${metadata.uid.slice(0, 8)}`,
      familyName,
      formatField: spec.format === undefined && spec.source !== undefined ? 'spec.source.format' : 'spec.format',
      sizeBytes: parseQuantity(spec.size),
      growsAttached: host.capabilities.some(({ field }) => field === 'volumes.growAttached'),
      keep: spec.reclaimPolicy === 'Retain',
      record: fillRecord(status),
      ...(format === undefined ? {} : { format }),
      ...(source === undefined ? {} : { source }),
      ...(status?.claim === undefined ? {} : { claim: status.claim }),
      ...(takeOver === undefined ? {} : { takeOver }),
    },
  };
}

function sourceOf({ metadata, spec }: StorageVolume, { hypervisor }: HostScope, { namespaces }: VolumeStores): Source | undefined {
  if (spec.source === undefined) return undefined;
  const { url, format, checksum } = spec.source;
  return {
    url,
    format,
    granted: granted('addresses', hypervisor, metadata.namespace, namespaces),
    ...(checksum === undefined ? {} : { checksum }),
  };
}

function fillRecord(status: StorageVolume['status']): FillRecord {
  const { startedAt, completedAt, failures = 0, retryAt } = status?.import ?? {};
  return {
    failures,
    retryAt: retryAt === undefined ? 0 : Date.parse(retryAt),
    ...(startedAt === undefined ? {} : { startedAt: Date.parse(startedAt) }),
    ...(completedAt === undefined ? {} : { completedAt: Date.parse(completedAt) }),
  };
}
