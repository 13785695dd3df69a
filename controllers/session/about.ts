import type { Session, StorageVolume, VirtualMachine } from '#crds/types.js';
import type { Resource } from '../kubernetes/resource.js';
import type { ReadonlyStore } from '../kubernetes/store.js';

interface Seen<T> {
  readonly resource: Resource;
  readonly store: ReadonlyStore<T>;
}

interface About {
  /** In words, as `machine "web"`. */
  readonly what: string;
  readonly resource: Resource;
  readonly name: string;
  /** As far as watches have brought it. */
  readonly known: VirtualMachine | StorageVolume | undefined;
}

/** What a session leads to. */
export function aboutOf(
  { metadata: { namespace }, spec: { machineRef, volumeRef } }: Session,
  { machines, volumes }: { readonly machines: Seen<VirtualMachine>; readonly volumes: Seen<StorageVolume> },
): About {
  const [kind, { resource, store }] = volumeRef === undefined ? (['machine', machines] as const) : (['volume', volumes] as const);
  const name = (volumeRef ?? machineRef)?.name ?? '';
  return { what: `${kind} "${name}"`, resource, name, known: store.get(`${namespace}/${name}`) };
}
