import type { Binder } from '../binder.js';
import { boundAnnotation } from '../bound.js';
import { finalizer, removeFinalizer } from '../finalizer.js';
import { holdHost } from '../held-hosts.js';
import { instanceName } from '../instance-name.js';
import { ApiError } from '../kubernetes/client.js';
import { keyOf, ownedBy } from '../kubernetes/resource.js';
import { publishStatus } from '../loop.js';
import type { Outcome } from '../reconcile.js';
import { isSelected } from '../selected.js';
import type { Watched } from '../watched.js';
import { type Instance, type Spanning, spanningStatus } from './status.js';

/** What makes one kind that spans hosts different from another. */
export interface SpanningKind<P extends Spanning, I extends Instance> {
  readonly parents: Watched<P>;
  readonly instances: Watched<I, string>;
  readonly instancesOf: (parent: P) => readonly I[];
  /** In the spec of an instance. */
  readonly refTo: (name: string) => object;
}

/** Keeps one instance per selected host, and tells in the status how they fare. */
export async function reconcileSpanning<P extends Spanning, I extends Instance>(
  kind: SpanningKind<P, I>,
  { client, watched }: Pick<Binder, 'client' | 'watched'>,
  parent: P,
  signal: AbortSignal,
): Promise<Outcome> {
  const { parents, instances } = kind;
  const goes = parent.metadata.deletionTimestamp !== undefined;
  const hypervisors = goes ? [] : watched.hypervisors.store.list();
  const wanted = hypervisors.filter((hypervisor) => isSelected(parent, hypervisor)).map(({ metadata }) => metadata.name);
  const existing = kind.instancesOf(parent);
  if (!goes && !parent.metadata.finalizers?.includes(finalizer)) await hold(kind, client, parent, signal);
  const there = new Set(existing.map(({ spec }) => spec.hypervisor));
  const missing = wanted.filter((hypervisor) => !there.has(hypervisor));
  await someAtOnce(missing, async (hypervisor) => {
    await holdHost({ client, watched }, hypervisor, signal);
    await createInstance(kind, client, parent, hypervisor, signal);
  });
  const kept = new Set(wanted);
  const unwanted = existing.filter(({ metadata, spec }) => !kept.has(spec.hypervisor) && metadata.deletionTimestamp === undefined);
  await someAtOnce(unwanted, ({ metadata }) =>
    client.delete(instances.resource, metadata, { uid: metadata.uid }, signal).catch(ignoreGone),
  );
  if (goes && existing.length === 0) {
    await removeFinalizer(client, parents.resource, parent, signal);
    return { kind: 'converged' };
  }
  const seen = parents.store.get(keyOf(parent.metadata)) ?? parent;
  await publishStatus({ client, ...parents }, seen, spanningStatus(seen, kind.instancesOf(seen), wanted, Date.now()), signal);
  return { kind: 'converged' };
}

/** Of hundreds of hosts, one after the other would take long, and all at once would crowd out all else. */
const mostAtOnce = 8;

async function someAtOnce<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < all.length; at += mostAtOnce) await Promise.all(all.slice(at, at + mostAtOnce).map(work));
}

async function hold<P extends Spanning, I extends Instance>(
  { parents }: SpanningKind<P, I>,
  client: Binder['client'],
  { metadata }: P,
  signal: AbortSignal,
): Promise<void> {
  const finalizers = [...(metadata.finalizers ?? []), finalizer];
  const { resourceVersion } = metadata;
  const held = await client.mergePatch(parents.resource, metadata, { metadata: { finalizers } }, { resourceVersion }, signal);
  parents.store.set(parents.decode(held));
}

/** Made with the finalizer that its host's agent takes off once nothing of it is left there. */
async function createInstance<P extends Spanning, I extends Instance>(
  { parents, instances, refTo }: SpanningKind<P, I>,
  client: Binder['client'],
  { metadata }: P,
  hypervisor: string,
  signal: AbortSignal,
): Promise<void> {
  const { name, namespace, uid } = metadata;
  const manifest = {
    metadata: {
      name: instanceName(name, hypervisor),
      ...(namespace === undefined ? {} : { namespace }),
      finalizers: [finalizer],
      ownerReferences: [ownedBy(parents.resource, metadata)],
      annotations: { [boundAnnotation]: `${hypervisor}/${uid}` },
    },
    spec: { ...refTo(name), hypervisor },
  };
  try {
    instances.store.set(instances.decode(await client.create(instances.resource, manifest, signal)));
  } catch (reason) {
    if (!(reason instanceof ApiError) || reason.reason !== 'AlreadyExists') throw reason;
  }
}

function ignoreGone(reason: unknown): void {
  if (!(reason instanceof ApiError) || reason.reason !== 'NotFound') throw reason;
}
