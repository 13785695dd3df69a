import type { Hypervisor, VirtualMachine } from '#crds/types.js';
import { granted, isGranted } from '../grants.js';
import type { ReadonlyStore } from '../kubernetes/store.js';
import type { Namespace } from '../namespaces.js';

/** What a container names of its host that its namespace may not have there, each in words. Looked up at every pass. */
export function ungrantedToContainer(
  { metadata: { namespace }, spec: { container } }: VirtualMachine,
  hypervisor: Hypervisor | undefined,
  namespaces: ReadonlyStore<Namespace>,
): readonly string[] {
  if (container === undefined) return [];
  const host = hypervisor?.metadata.name ?? 'its host';
  const paths = granted('hostPaths', hypervisor, namespace, namespaces);
  const asked = [
    { field: 'rootHostPath', path: container.rootHostPath },
    ...(container.mounts ?? []).map((mount) => ({ field: `mounts[${mount.path}].hostPath`, path: mount.hostPath })),
  ];
  const refused = asked.flatMap(({ field, path }) => {
    const because = path === undefined ? undefined : whyNot(path, paths, hypervisor);
    return because === undefined ? [] : [`spec.container.${field}: ${path} given, ${because}`];
  });
  if (container.privileged !== true || isGranted('privilegedContainers', hypervisor, namespace, namespaces)) return refused;
  const remedy = `set spec.grants[].privilegedContainers of Hypervisor "${host}", or leave it out`;
  return [...refused, `spec.container.privileged: true given, which ${host} does not grant to namespace "${namespace}"; ${remedy}`];
}

/** Beneath a directory that somebody may write to, everything can become a link to anywhere. */
function whyNot(path: string, paths: readonly string[], hypervisor: Hypervisor | undefined): string | undefined {
  const host = hypervisor?.metadata.name ?? 'its host';
  if (!paths.includes(path))
    return `which ${host} does not grant to this namespace; name it in spec.grants[].hostPaths of Hypervisor "${host}"`;
  const above = (hypervisor?.spec.grants ?? []).flatMap(({ hostPaths = [] }) => hostPaths).find((other) => path.startsWith(`${other}/`));
  return above === undefined ? undefined : `which lies in ${above}, granted as well: whoever writes there could put a link in its place`;
}
