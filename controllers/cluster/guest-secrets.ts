import { isDeepStrictEqual } from 'node:util';
import { type Hypervisor, hypervisors, type VirtualMachine } from '#crds/types.js';
import { Credentials } from '#drivers/target.js';
import { entryOf, fullAnnotation, guestSecretOf, isGuestSecret, secretReferences } from '../guest-secrets.js';
import { ApiError, type Client, type Manifest } from '../kubernetes/client.js';
import { deleteSeen, getNow } from '../kubernetes/now.js';
import { createQueue } from '../kubernetes/queue.js';
import { ownedBy } from '../kubernetes/resource.js';
import { latest } from '../kubernetes/store.js';
import type { Metrics } from '../metrics.js';
import { decodeSecret, encodeData, hostLabel, type Secret, secrets } from '../secrets.js';
import type { Watched } from '../watched.js';
import { graphicsSecret } from './graphics-secret.js';

export interface GuestSecretsOptions {
  readonly client: Client;
  readonly namespace: string;
  readonly hypervisors: Watched<Hypervisor, 'credentials'>;
  readonly machines: Watched<VirtualMachine, 'host'>;
  readonly metrics: Metrics;
  readonly onTrouble: (message: string, error: unknown) => void;
  /**
   * How often the tenants' Secrets are read again, in milliseconds; those that are missing sooner. They are not watched, as that would be to hold
   * all of a cluster's.
   */
  readonly lookMs?: number;
}

const usualLookMs = 60_000;
const soonestMs = 1_000;

/**
 * Milliseconds until the next look: soon at what somebody may be about to make, ever more seldom the longer something is missing on the host, or where all
 * is there. `missingSince`, in epoch milliseconds: since when never all was there; who asks for more meanwhile makes no haste.
 */
export function untilNextLook(missingSince: number | undefined, lookMs: number, now: number): number {
  if (missingSince === undefined) return lookMs;
  return Math.min(Math.max((now - missingSince) / 2, soonestMs), lookMs);
}

/** An API server takes 1 MiB; the rest is for what stands around the values. */
const mostBytes = 900 * 1024;

/**
 * Hands each host's agent what the guests on it are to be told of their tenants' Secrets: the keys that machines bound there name, in one
 * Secret per host beside the one that lets the agent in, so that tenants who fill it lock nobody out.
 */
export async function copyGuestSecrets(options: GuestSecretsOptions, signal: AbortSignal): Promise<void> {
  const { hypervisors, machines, metrics, onTrouble, lookMs = usualLookMs } = options;
  const since = new Map<string, number>();
  const queue = createQueue({
    workers: 2,
    process: async (host, until) => {
      const missing = await copy(host, options, until);
      queue.forget(host);
      if (missing === undefined || missing.length === 0) since.delete(host);
      else since.set(host, since.get(host) ?? Date.now());
      if (missing !== undefined) queue.addAfter(host, untilNextLook(since.get(host), lookMs, Date.now()) * (0.8 + 0.4 * Math.random()));
    },
    onError: (host, error) => {
      if (!ApiError.is(error, 'Conflict', 'AlreadyExists')) onTrouble(`Secrets of the guests of host ${host}`, error);
    },
    backoff: { firstMs: 50, maxMs: 60_000 },
    observer: metrics.queue('controller-guest-secrets'),
  });
  hypervisors.store.subscribe(({ key }) => queue.add(key));
  machines.store.subscribe((change) => {
    const seen = change.kind === 'updated' ? [change.object, change.previous] : [latest(change)];
    // Every change of a status comes by here, and each look is a call for every Secret.
    if (change.kind === 'updated' && isDeepStrictEqual(toldOf(change.object), toldOf(change.previous))) return;
    const refers = seen.some((machine) => secretReferences(machine).length > 0);
    for (const { status } of seen) if (refers && status?.hypervisor !== undefined) queue.add(status.hypervisor);
  });
  for (const key of hypervisors.store.keys()) queue.add(key);
  await queue.run(signal);
}

/** What of a machine has a say in its host's copy. */
const toldOf = (machine: VirtualMachine) => ({
  host: machine.status?.hypervisor,
  uid: machine.metadata.uid,
  goes: machine.metadata.deletionTimestamp !== undefined,
  references: secretReferences(machine),
});

/** One pass for the host of this name, whether there is one or not. What is missing; undefined where no machine refers to a Secret. */
async function copy(host: string, options: GuestSecretsOptions, signal: AbortSignal): Promise<readonly string[] | undefined> {
  const { client, namespace, hypervisors, machines } = options;
  const hypervisor = hypervisors.store.get(host);
  const bound = machines.store.byIndex('host', host).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const referring = hypervisor === undefined ? [] : bound.filter((machine) => secretReferences(machine).length > 0);
  const ref = { namespace, name: guestSecretOf(host) };
  const raw = await getNow(client, secrets, ref, signal);
  const there = raw === undefined ? undefined : decodeSecret(raw);
  if (there !== undefined && !isGuestSecret(there))
    throw new Error(`Secret "${ref.name}" in namespace "${namespace}" is not ours; rename or remove it`);
  if (hypervisor === undefined || referring.length === 0) {
    if (there !== undefined) await deleteSeen(client, secrets, there, signal);
    return undefined;
  }
  const { data, isFull, missing } = await valuesOf(referring, client, signal);
  await write({ metadata: metadataOf(ref, hypervisor, isFull), data }, there, client, signal);
  return missing;
}

interface Copy {
  readonly metadata: Manifest['metadata'];
  readonly data: Credentials;
}

const metadataOf = (ref: { readonly namespace: string; readonly name: string }, { metadata }: Hypervisor, isFull: boolean) =>
  ({
    ...ref,
    labels: { 'app.kubernetes.io/managed-by': 'virtwright', [hostLabel]: metadata.name },
    annotations: { [fullAnnotation]: `${isFull}` },
    ownerReferences: [ownedBy(hypervisors, metadata)],
  }) as const;

/** Whoever came first has room: a Secret holds so much and no more. */
async function valuesOf(
  machines: readonly VirtualMachine[],
  client: Client,
  signal: AbortSignal,
): Promise<{ readonly data: Credentials; readonly isFull: boolean; readonly missing: readonly string[] }> {
  const read = new Map<string, Promise<Secret | undefined>>();
  const secret = (namespace: string, name: string) => {
    const key = `${namespace}/${name}`;
    const reading = read.get(key) ?? getNow(client, secrets, { namespace, name }, signal).then((raw) => raw && decodeSecret(raw));
    read.set(key, reading);
    return reading;
  };
  const entries: [string, Uint8Array][] = [];
  const missing: string[] = [];
  let room = mostBytes;
  let isFull = false;
  for (const machine of [...machines].sort(byAge))
    for (const { field, name, key } of secretReferences(machine)) {
      const there = await secret(machine.metadata.namespace, name);
      const told = field === 'graphicsPassword' ? await graphicsSecret(machine, there, client, signal) : there;
      const value = told?.data.get(key);
      if (value === undefined) {
        missing.push(entryOf(machine.metadata.uid, field));
        continue;
      }
      const bytes = Math.ceil(value.length / 3) * 4 + 128;
      if (bytes > room) isFull = true;
      else entries.push([entryOf(machine.metadata.uid, field), value]);
      if (bytes <= room) room -= bytes;
    }
  return { data: new Credentials(entries), isFull, missing };
}

const byAge = ({ metadata: a }: VirtualMachine, { metadata: b }: VirtualMachine): number =>
  a.creationTimestamp.localeCompare(b.creationTimestamp) || a.uid.localeCompare(b.uid);

async function write(wanted: Copy, there: Secret | undefined, client: Client, signal: AbortSignal): Promise<void> {
  const { metadata, data } = wanted;
  if (there === undefined) {
    await client.create(secrets, { metadata, data: encodeData(data) }, signal);
    return;
  }
  const isAsWanted =
    data.equals(there.data) &&
    there.metadata.annotations?.[fullAnnotation] === metadata.annotations?.[fullAnnotation] &&
    isDeepStrictEqual(there.metadata.ownerReferences, metadata.ownerReferences);
  if (isAsWanted) return;
  const gone = Object.fromEntries(there.data.keys.map((key) => [key, null]));
  const { resourceVersion } = there.metadata;
  await client.mergePatch(secrets, there.metadata, { metadata, data: { ...gone, ...encodeData(data) } }, { resourceVersion }, signal);
}
