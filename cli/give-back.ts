import { ApiError, type Client } from '#controllers/kubernetes/client.js';
import { getNow } from '#controllers/kubernetes/now.js';
import type { Resource } from '#controllers/kubernetes/resource.js';
import { releaseAnnotation } from '#crds/annotations.js';
import { type Hypervisor, hypervisors, type NamespaceChoice, type VirtualMachine, virtualMachines } from '#crds/types.js';

/** Status is written all the time; what was asked for is not. */
const mostTries = 10;
const wayBackMs = 5_000;

/**
 * Annotates a machine and deletes it, as it was annotated: a deletion that comes late finds it changed, and is refused. Rejects with what kept it from
 * being deleted, or with the signal's reason; then the annotation is off again, as an ordinary deletion, one day, is not to leave the machine behind.
 */
export async function giveBack(client: Client, machine: VirtualMachine, signal: AbortSignal): Promise<void> {
  try {
    await annotateAndDelete(client, machine, signal);
  } catch (reason) {
    // Whoever interrupts it is the one who needs the way back most.
    if (!isReleased(machine)) await takeBack(client, machine, AbortSignal.timeout(wayBackMs)).catch(() => {});
    throw reason;
  }
}

async function annotateAndDelete(client: Client, machine: VirtualMachine, signal: AbortSignal): Promise<void> {
  const { namespace, name, uid, generation } = machine.metadata;
  const ref = { namespace, name };
  let { resourceVersion } = machine.metadata;
  for (let tries = 1; ; tries += 1) {
    try {
      const patch = { metadata: { annotations: { [releaseAnnotation]: 'true' } } };
      const { metadata } = await client.mergePatch(virtualMachines, ref, patch, { resourceVersion }, signal);
      return await client.delete(virtualMachines, ref, { uid, resourceVersion: metadata.resourceVersion }, signal);
    } catch (reason) {
      if (tries === mostTries || !ApiError.is(reason, 'Conflict')) throw reason;
      const now = await getNow(client, virtualMachines, ref, signal);
      // Its answer was lost, and it was asked again.
      if (now?.metadata.uid !== uid || (now.metadata.deletionTimestamp !== undefined && isReleased(now))) return;
      if (now.metadata.generation !== generation) throw reason;
      resourceVersion = now.metadata.resourceVersion;
    }
  }
}

/** What is on its way out stays released: without the annotation its machine would go, too. */
async function takeBack(client: Client, { metadata: { namespace, name, uid } }: VirtualMachine, signal: AbortSignal): Promise<void> {
  const ref = { namespace, name };
  for (;;) {
    const { metadata } = await client.get(virtualMachines, ref, signal);
    if (metadata.uid !== uid || metadata.deletionTimestamp !== undefined) return;
    const patch = { metadata: { annotations: { [releaseAnnotation]: null } } };
    try {
      await client.mergePatch(virtualMachines, ref, patch, { resourceVersion: metadata.resourceVersion }, signal);
      return;
    } catch (reason) {
      if (!ApiError.is(reason, 'Conflict')) throw reason;
    }
  }
}

/**
 * Why its agent would refuse to leave it there, with the object on its way out by then; undefined when it would not. Rejects with Forbidden when that
 * is not to be known.
 */
export async function whyNotGranted(client: Client, machine: VirtualMachine, signal: AbortSignal): Promise<string | undefined> {
  const { metadata, spec, status } = machine;
  const name = status?.hypervisor;
  // Of what was never seen on a host nothing is there.
  if (name === undefined || status?.hardware === undefined) return undefined;
  const hypervisor = (await getNow(client, hypervisors, { name }, signal)) as unknown as Hypervisor | undefined;
  if (hypervisor === undefined) return undefined;
  const { labels = {} } = (await getNow(client, namespaces, { name: metadata.namespace }, signal))?.metadata ?? {};
  const uuid = status.uuid ?? spec.uuid ?? metadata.uid;
  const isGranted = (hypervisor.spec.grants ?? []).some(
    (grant) => isFor(grant.namespaces, labels) && grant.machines?.some((one) => one === '*' || one === uuid),
  );
  if (isGranted) return undefined;
  return `machine ${uuid} may not be left to itself by namespace "${metadata.namespace}" on ${name}; name it in spec.grants[].machines of that Hypervisor`;
}

const namespaces: Resource = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false };

const isFor = ({ from, selector }: NamespaceChoice, labels: Readonly<Record<string, string>>): boolean =>
  from === 'All' || (selector !== undefined && Object.entries(selector.matchLabels).every(([key, value]) => labels[key] === value));

const isReleased = ({ metadata }: { readonly metadata: { readonly annotations?: Readonly<Record<string, string>> } }): boolean =>
  metadata.annotations?.[releaseAnnotation] === 'true';
