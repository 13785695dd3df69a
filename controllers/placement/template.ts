import { parseQuantity } from '#crds/quantity.js';
import type { StorageVolume, VirtualMachine } from '#crds/types.js';
import type { Manifest, Patch } from '../kubernetes/client.js';
import type { OwnerReference } from '../kubernetes/resource.js';
import { type Disk, volumeOfDisk } from '../stores.js';

type Template = NonNullable<Disk['volumeTemplate']>;

/** On a volume that was made from a template: the name of the machine whose it is. */
export const machineLabel = 'virtwright.io/machine';

/** What is to be done about the volume of one template. Pure. */
export type TemplateStep =
  | { readonly kind: 'create'; readonly manifest: Manifest }
  | { readonly kind: 'patch'; readonly volume: StorageVolume; readonly patch: Patch }
  | { readonly kind: 'wait'; readonly name: string; readonly because: string };

/** The machine's volumes that are to be made, or made as their templates now say. */
export function templateSteps(machine: VirtualMachine, volumeNamed: (name: string) => StorageVolume | undefined): readonly TemplateStep[] {
  return (machine.spec.disks ?? []).flatMap((disk) => {
    if (disk.volumeTemplate === undefined) return [];
    const name = volumeOfDisk(machine, disk);
    return stepFor(machine, disk, disk.volumeTemplate, volumeNamed(name), name) ?? [];
  });
}

function stepFor(
  machine: VirtualMachine,
  disk: Disk,
  template: Template,
  volume: StorageVolume | undefined,
  name: string,
): TemplateStep | undefined {
  if (volume === undefined) return { kind: 'create', manifest: manifestOf(machine, template, name) };
  if (volume.metadata.labels?.[machineLabel] !== machine.metadata.name) {
    const because = `StorageVolume "${name}" was not made from spec.disks[${disk.name}].volumeTemplate; name it with volumeRef, or give the disk another name`;
    return { kind: 'wait', name, because };
  }
  if (volume.metadata.deletionTimestamp !== undefined) return undefined;
  if (ownerMachines(volume).some(({ uid }) => uid !== machine.metadata.uid))
    return { kind: 'wait', name, because: `StorageVolume "${name}" goes with the earlier machine of this name` };
  const patch = differing(machine, template, volume);
  return patch === undefined ? undefined : { kind: 'patch', volume, patch };
}

function manifestOf(machine: VirtualMachine, template: Template, name: string): Manifest {
  const { whenDeleted, ...spec } = template;
  const owners = ownersFor(machine, template, []);
  return {
    metadata: {
      name,
      namespace: machine.metadata.namespace,
      labels: { [machineLabel]: machine.metadata.name },
      ...(owners.length === 0 ? {} : { ownerReferences: owners }),
    },
    spec: { ...spec, reclaimPolicy: whenDeleted },
  };
}

/** A volume grows with its template, and may have been made larger than that: it never shrinks. */
function differing(machine: VirtualMachine, template: Template, { metadata, spec }: StorageVolume): Patch | undefined {
  const before = metadata.ownerReferences ?? [];
  const owners = ownersFor(machine, template, before);
  const grown = parseQuantity(template.size) > parseQuantity(spec.size) ? { size: template.size } : {};
  const isKept = template.whenDeleted === spec.reclaimPolicy || (template.whenDeleted === 'Delete' && spec.reclaimPolicy === 'Wipe');
  const kept = isKept ? {} : { reclaimPolicy: template.whenDeleted };
  const changes = { ...grown, ...kept };
  const owned = owners.length === before.length ? {} : { metadata: { ownerReferences: owners } };
  if (Object.keys(changes).length === 0 && Object.keys(owned).length === 0) return undefined;
  return { ...owned, ...(Object.keys(changes).length === 0 ? {} : { spec: changes }) };
}

/** What is retained has no owner, so that nothing takes it along. */
function ownersFor({ metadata }: VirtualMachine, template: Template, before: readonly OwnerReference[]): readonly OwnerReference[] {
  const others = before.filter((one) => !isMachine(one));
  if (template.whenDeleted === 'Retain') return others;
  return [...others, { apiVersion: 'virtwright.io/v1alpha1', kind: 'VirtualMachine', name: metadata.name, uid: metadata.uid }];
}

const isMachine = ({ apiVersion, kind }: OwnerReference): boolean => kind === 'VirtualMachine' && apiVersion.startsWith('virtwright.io/');

/** The machines that a volume goes with. */
export const ownerMachines = ({ metadata }: Pick<StorageVolume, 'metadata'>): readonly OwnerReference[] =>
  (metadata.ownerReferences ?? []).filter(isMachine);
