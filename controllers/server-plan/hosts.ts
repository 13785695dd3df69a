import { decode } from '#crds/decode.js';
import { type Hypervisor, hypervisors, type VirtualMachine } from '#crds/types.js';
import { isReady } from '../conditions.js';
import { ApiError, type Client } from '../kubernetes/client.js';
import type { KubernetesObject } from '../kubernetes/resource.js';
import { isMeant } from '../placement/choose.js';

export const boundTo = ({ status }: KubernetesObject): string | undefined =>
  (status as { readonly hypervisor?: string } | undefined)?.hypervisor;

/** Those that are Ready first; undefined for who may not see them. */
export async function hostsOf(client: Client, signal: AbortSignal): Promise<readonly Hypervisor[] | undefined> {
  const found: Hypervisor[] = [];
  try {
    for await (const { items } of client.pages(hypervisors, {}, signal)) found.push(...items.map((one) => decode('Hypervisor', one)));
  } catch (reason) {
    if (ApiError.is(reason, 'Forbidden')) return undefined;
    throw reason;
  }
  return found.sort((a, b) => Number(isReady(b)) - Number(isReady(a)) || (a.metadata.name < b.metadata.name ? -1 : 1));
}

/** Whether it could be on this host, as far as its manifest says. */
export function isFor(object: KubernetesObject, name: string, known: readonly Hypervisor[] | undefined): boolean {
  const bound = boundTo(object);
  if (bound !== undefined) return bound === name;
  if (object.kind !== 'VirtualMachine') return true;
  const machine = object as unknown as VirtualMachine;
  const host = known?.find(({ metadata }) => metadata.name === name);
  return host === undefined ? machine.spec.placement?.hypervisorRef?.name === name : isMeant(machine, host);
}

/** Which are named, where nobody may list them. */
export const namedBy = (objects: readonly KubernetesObject[]): readonly string[] =>
  objects.flatMap((object) => {
    const named = object.kind === 'VirtualMachine' ? (object as unknown as VirtualMachine).spec.placement?.hypervisorRef?.name : undefined;
    return [boundTo(object), named].filter((name) => name !== undefined);
  });
