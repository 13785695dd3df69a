import type { StorageVolume, StorageVolumeSpec } from '#crds/types.js';
import { covers } from '../namespaces.js';
import type { Known } from './known.js';

/** What a volume, or a template of one, says of where it is and what it is made of. */
type Content = Pick<StorageVolumeSpec, 'poolRef' | 'source'>;

/** Of a volume. Only a ring of clones can never come to be: a source never changes. */
export function adviseVolume(volume: StorageVolume, known: Known): { readonly warnings: readonly string[]; readonly refusal?: string } {
  const { namespace } = volume.metadata;
  const warnings = adviseContent('spec', namespace, volume.spec, known);
  const ring = ringOf(volume, known);
  if (ring === undefined) return { warnings };
  const refusal = `spec.source.volumeRef: each would be made from the next: ${ring.join(' <- ')}; accepted is a volume that is not made from "${volume.metadata.name}"`;
  return { warnings, refusal };
}

/** `path` is where the manifest says it. */
export function adviseContent(path: string, namespace: string, { poolRef, source }: Content, known: Known): readonly string[] {
  const original = source?.volumeRef?.name;
  return [
    ...advisePoolRef(path, namespace, poolRef?.name, original !== undefined, known),
    ...(source?.url !== undefined && source.checksum === undefined
      ? [`${path}.source.checksum: none given, so the image is taken as it comes; accepted is sha256:… or sha512:…`]
      : []),
    ...(original === undefined || known.volumes.get(`${namespace}/${original}`) !== undefined
      ? []
      : [`${path}.source.volumeRef: there is no StorageVolume "${original}" yet`]),
  ];
}

function advisePoolRef(path: string, namespace: string, name: string | undefined, isClone: boolean, known: Known): readonly string[] {
  const { pools, hypervisors, namespaces } = known;
  if (name === undefined) {
    const hosts = hypervisors.list();
    const isHomeless = !isClone && hosts.length > 0 && hosts.every(({ spec }) => spec.defaultPoolRef === undefined);
    return isHomeless ? [`${path}.poolRef: none given, and no Hypervisor has a spec.defaultPoolRef; name a StoragePool`] : [];
  }
  const pool = pools.get(name);
  if (pool === undefined) return [`${path}.poolRef: there is no StoragePool "${name}" yet`];
  return covers(pool.spec.allowedNamespaces, namespace, namespaces)
    ? []
    : [`${path}.poolRef: StoragePool "${name}" is not for namespace "${namespace}", says its spec.allowedNamespaces`];
}

/** From the volume on through what each is made from, back to it. */
function ringOf({ metadata, spec }: StorageVolume, { volumes }: Known): readonly string[] | undefined {
  const names = [metadata.name];
  let next = spec.source?.volumeRef?.name;
  while (next !== undefined && !names.includes(next)) {
    names.push(next);
    next = volumes.get(`${metadata.namespace}/${next}`)?.spec.source?.volumeRef?.name;
  }
  return next === metadata.name ? [...names, next] : undefined;
}
