import type { StorageVolume } from '#crds/types.js';
import type { MachineId, VolumeFormat } from '#drivers/driver.js';
import { isReady, notReady } from '../conditions.js';
import { granted } from '../grants.js';
import type { HostScope } from '../host/scope.js';
import type { ImageFormat } from '../image/format.js';
import type { ReadonlyStore } from '../kubernetes/store.js';
import type { Namespace } from '../namespaces.js';
import type { Stores } from '../stores.js';

/** What a volume is filled from, its references followed. */
export type Source = ImageSource | UploadSource | CloneSource;

export interface ImageSource {
  readonly kind: 'image';
  readonly url: string;
  readonly format: ImageFormat;
  readonly checksum?: string;
  /** Private address ranges that it may be fetched from. */
  readonly granted: readonly string[];
}

/** Somebody brings the image. */
export interface UploadSource {
  readonly kind: 'upload';
  readonly format: ImageFormat;
  readonly checksum?: string;
  /** What people type to bring it. */
  readonly command: string;
}

export interface CloneSource {
  readonly kind: 'clone';
  readonly how: 'Full' | 'Linked';
  readonly name: string;
  /** The volume as it is; or what is wrong with it. */
  readonly original: Original | string;
}

export interface Original {
  readonly poolUuid: string;
  readonly nativeName: string;
  readonly location: string;
  readonly format: VolumeFormat;
  /** The machine that has it as a disk. */
  readonly claimedBy?: string;
}

/** A machine on the host that has a volume as a disk, or boots from it. */
export interface User {
  readonly id: MachineId;
  readonly nativeName: string;
  readonly off: boolean;
  /** As which it has it as a disk. */
  readonly format?: VolumeFormat;
  /** Of the VirtualMachine that it is marked with. */
  readonly ownerUid?: string;
}

export interface SourceStores extends Pick<Stores, 'instances' | 'volumes'> {
  readonly namespaces: ReadonlyStore<Namespace>;
}

export function sourceOf({ metadata, spec }: StorageVolume, host: HostScope, stores: SourceStores): Source | undefined {
  const { url, format, checksum, volumeRef, upload, clone = 'Full' } = spec.source ?? {};
  if (volumeRef !== undefined) {
    const original = originalOf(stores.volumes.get(`${metadata.namespace}/${volumeRef.name}`), host, stores);
    return { kind: 'clone', how: clone, name: volumeRef.name, original };
  }
  const sum = checksum === undefined ? {} : { checksum };
  if (upload !== undefined && format !== undefined)
    return { kind: 'upload', format, ...sum, command: `virtwright upload FILE ${metadata.name} -n ${metadata.namespace}` };
  if (url === undefined || format === undefined) return undefined;
  return {
    kind: 'image',
    url,
    format,
    granted: granted('addresses', host.hypervisor, metadata.namespace, stores.namespaces),
    ...sum,
  };
}

function originalOf(volume: StorageVolume | undefined, { name: host }: HostScope, { instances }: SourceStores): Original | string {
  if (volume === undefined) return `it is not on ${host}`;
  const { metadata, spec, status } = volume;
  if (metadata.deletionTimestamp !== undefined) return 'it is being deleted';
  const poolUuid = status?.pool === undefined ? undefined : instances.get(status.pool)?.status?.uuid;
  const { nativeName, location, format = spec.format, claim } = status ?? {};
  if (poolUuid === undefined || nativeName === undefined || location === undefined || format === undefined || !isReady(volume)) {
    return `it is ${notReady(volume)}`;
  }
  return { poolUuid, nativeName, location, format, ...(claim === undefined ? {} : { claimedBy: claim.machine }) };
}
