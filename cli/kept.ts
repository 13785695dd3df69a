import type { KubernetesObject } from '#controllers/kubernetes/resource.js';
import { parseJsonPath, textsAt, valuesAt } from './output/jsonpath.js';
import { oneLine } from './output/text.js';

const at = (value: unknown, path: string): readonly string[] => textsAt(value, path).map(oneLine);

/** What is left on hosts, or in the cluster, when an object of ours is gone: one sentence each. Pure. */
export function keptOf(object: KubernetesObject): readonly string[] {
  if (!object.apiVersion.startsWith('virtwright.io/')) return [];
  switch (object.kind) {
    case 'VirtualMachine':
      return keptOfMachine(object);
    case 'StorageVolume':
      return keptOfVolume(object);
    case 'StoragePool':
      return ['what is in its stores stays there, beside what Virtwright did not make'];
    case 'Hypervisor':
      return ['machines on it stay as they are, and nobody looks after them until a Hypervisor of this name is there again'];
    default:
      return at(object, '.spec.existing.name').map((name) => `"${name}" stays on its hosts: it was there before`);
  }
}

function keptOfMachine(object: KubernetesObject): readonly string[] {
  const disks = valuesAt(object, parseJsonPath('.spec.disks[*]'));
  const named = disks.flatMap((disk) => [...at(disk, '.volumeRef.name'), ...at(disk, '.cdrom.volumeRef.name')]);
  const made = disks
    .filter((disk) => at(disk, '.volumeTemplate.whenDeleted')[0] !== 'Delete')
    .flatMap((disk) => (at(disk, '.volumeTemplate').length === 0 ? [] : at(disk, '.name')))
    .map((disk) => `${oneLine(object.metadata.name)}-${disk}`);
  return [...named, ...made].map((name) => `storagevolume.virtwright.io/${name} stays, with what is in it`);
}

function keptOfVolume(object: KubernetesObject): readonly string[] {
  const [policy] = at(object, '.spec.reclaimPolicy');
  const where = [...at(object, '.status.location'), ...at(object, '.status.nativeName')][0];
  const [host] = at(object, '.status.hypervisor');
  if (at(object, '.spec.existing.name').length > 0) return ['its content stays: it was there before'];
  if (policy !== 'Retain' || where === undefined) return [];
  return [`its content stays on ${host ?? 'its host'} as ${where}: its reclaimPolicy is Retain`];
}
