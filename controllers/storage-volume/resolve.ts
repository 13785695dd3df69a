import { parseQuantity } from '#crds/quantity.js';
import type { StoragePoolInstance, StorageVolume } from '#crds/types.js';
import type { Capability } from '#drivers/driver.js';
import { adopting, adoptOf } from '../adoption.js';
import { isReady, isStalled } from '../conditions.js';
import { type HostScope, nativeName, takeOverOf } from '../host/scope.js';
import type { Resolution } from '../reconcile.js';
import { clonesOf, shortUidLength } from '../stores.js';
import type { DesiredVolume, FillRecord } from './action.js';
import { type Source, type SourceStores, sourceOf } from './source.js';

export function resolveVolume(volume: StorageVolume, host: HostScope, stores: SourceStores): Resolution<DesiredVolume> {
  const { metadata, spec, status } = volume;
  const absent = metadata.deletionTimestamp !== undefined;
  const instance = status?.pool === undefined ? undefined : stores.instances.get(status.pool);
  const poolUuid = instance?.status?.uuid;
  if (poolUuid === undefined && !absent)
    return { kind: 'missing', reason: 'WaitingForPool', missing: [`pool instance "${status?.pool}": not there yet`] };
  const familyName = nativeName(host, metadata.namespace, metadata.name);
  const source = sourceOf(volume, host, stores);
  const format = status?.format ?? spec.format ?? formatAsMade(volume, source, host.capabilities);
  const preferred = formatOf(source);
  const rival = rivalOf(volume, stores.volumes);
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
      nativeName: status?.nativeName ?? spec.existing?.name ?? adoptOf(volume) ?? `${familyName}-${metadata.uid.slice(0, shortUidLength)}`,
      familyName,
      tenant: `${host.cluster}/${metadata.namespace}`,
      formatField: spec.format === undefined && spec.source?.format !== undefined ? 'spec.source.format' : 'spec.format',
      sizeBytes: parseQuantity(spec.size),
      clones: clonesOf(volume, stores.volumes).map(({ metadata: { name } }) => name),
      capabilities: host.capabilities,
      keep: spec.reclaimPolicy === 'Retain',
      wipe: spec.reclaimPolicy === 'Wipe',
      record: fillRecord(status),
      ...(spec.allocation === undefined ? {} : { allocation: spec.allocation }),
      ...(spec.existing === undefined ? {} : { existing: spec.existing.name }),
      ...(rival === undefined ? {} : { rival }),
      ...(format === undefined ? {} : { format }),
      ...(preferred === undefined ? {} : { preferred }),
      ...(source === undefined ? {} : { source }),
      ...(status?.claim === undefined ? {} : { claim: status.claim }),
      ...(takeOver === undefined ? {} : { takeOver }),
      ...adoption(volume, instance, host, stores),
    },
  };
}

function adoption(
  volume: StorageVolume,
  instance: StoragePoolInstance | undefined,
  host: HostScope,
  { namespaces }: SourceStores,
): Pick<DesiredVolume, 'adopt'> {
  const asked = adoptOf(volume);
  if (asked === undefined) return {};
  const pool = instance?.spec.poolRef.name ?? '';
  const { name: _, ...may } = adopting('volumes', [`${pool}/${asked}`, `${pool}/*`], volume.metadata.namespace, host, namespaces);
  return { adopt: { name: asked, ...may } };
}

/** Of two objects for one volume, the one that has it keeps it; else the older gets it. */
function rivalOf(volume: StorageVolume, volumes: SourceStores['volumes']): string | undefined {
  const { spec, status, metadata } = volume;
  if ((spec.existing === undefined && adoptOf(volume) === undefined) || status?.pool === undefined) return undefined;
  const name = foundAs(volume);
  const held = (one: StorageVolume) => (one.status?.claim !== undefined ? 0 : isReady(one) ? 1 : 2);
  const rank = (one: StorageVolume) => `${held(one)} ${one.metadata.creationTimestamp} ${one.metadata.uid}`;
  const rival = volumes
    .byIndex('instance', status.pool)
    .find((other) => other.metadata.uid !== metadata.uid && foundAs(other) === name && rank(other) < rank(volume));
  return rival === undefined ? undefined : `${rival.metadata.namespace}/${rival.metadata.name}`;
}

/** What the host calls what it is, or is to be. */
const foundAs = (volume: StorageVolume): string | undefined => volume.spec.existing?.name ?? volume.status?.nativeName ?? adoptOf(volume);

/** What can be nothing else. Where there is no Qcow2, a linked clone has its base's format, which is the preferred one anyway. */
function formatAsMade({ spec }: StorageVolume, source: Source | undefined, capabilities: readonly Capability[]): DesiredVolume['format'] {
  if (spec.existing !== undefined) return 'Raw';
  if (spec.source?.format === 'Tar') return 'Directory';
  const isLinked = source?.kind === 'clone' && source.how === 'Linked';
  const formats = capabilities.find(({ field }) => field === 'volumes.format')?.values;
  return isLinked && formats?.includes('Qcow2') !== false ? 'Qcow2' : undefined;
}

function formatOf(source: Source | undefined): DesiredVolume['preferred'] {
  if (source?.kind !== 'clone') return source?.format === 'Tar' ? 'Directory' : source?.format;
  return typeof source.original === 'string' ? undefined : source.original.format;
}

export function fillRecord(status: StorageVolume['status']): FillRecord {
  const { startedAt, completedAt, failures = 0, retryAt } = status?.import ?? {};
  return {
    failures,
    retryAt: retryAt === undefined ? 0 : Date.parse(retryAt),
    ...(startedAt === undefined ? {} : { startedAt: Date.parse(startedAt) }),
    ...(completedAt === undefined ? {} : { completedAt: Date.parse(completedAt) }),
  };
}
