import type { Registry } from 'prom-client';
import { readAmount } from '#crds/quantity.js';
import type { StoragePoolInstance, VirtualMachine } from '#crds/types.js';
import type { Driver, Pool } from '#drivers/driver.js';
import type { ReadonlyStore } from '../kubernetes/store.js';
import { Families, type Sample } from './families.js';
import { type MeasuredMachine, machineFamilies } from './machine-families.js';
import { type NetworkSight, type NetworkStores, networkFamilies } from './network-families.js';
import { Looks, type Reading } from './reading.js';

/** A host of an agent, as far as it is told of. */
export interface MeasuredHost {
  readonly name: string;
  /** What marks on hosts call this cluster. */
  readonly cluster: string;
  readonly connected: { readonly driver: Pick<Driver, 'stats'>; readonly view: HostSight } | undefined;
}

/** What is known of a host without asking it. */
interface HostSight extends NetworkSight {
  readonly pools: readonly Pool[];
}

export interface HostStores extends NetworkStores {
  readonly machines: ReadonlyStore<VirtualMachine>;
  readonly instances: ReadonlyStore<StoragePoolInstance>;
}

export interface HostMetrics {
  /** Tells of this host until the signal. */
  follow(host: MeasuredHost, stores: HostStores, onTrouble: (message: string, error: unknown) => void, signal: AbortSignal): void;
}

interface Followed {
  readonly host: MeasuredHost;
  readonly stores: HostStores;
  readonly looks: Looks;
  readonly signal: AbortSignal;
}

interface Seen extends Followed {
  readonly reading: Reading;
  readonly measured: readonly MeasuredMachine[];
}

/** `patienceMs`: how long a scrape waits for a host. */
export function createHostMetrics(registry: Registry, patienceMs?: number): HostMetrics {
  const followed = new Set<Followed>();
  const families = new Families<Seen>(
    registry,
    shared(() => Promise.all([...followed].map(seenOf))),
  );
  scrapeFamilies(families);
  machineFamilies(families, ({ measured }) => measured);
  const known = new Families<Followed>(registry, async () => [...followed]);
  poolFamilies(known);
  networkFamilies(known);
  guestFamilies(known);
  return {
    follow(host, stores, onTrouble, signal) {
      if (signal.aborted) return;
      const looks = new Looks((error) => onTrouble(`measuring the machines of host ${host.name}`, error), patienceMs);
      const one: Followed = { host, stores, looks, signal };
      followed.add(one);
      signal.addEventListener('abort', () => followed.delete(one), { once: true });
    },
  };
}

/** Who asks while it is under way, as all families of a scrape do, is given the same. */
function shared<T>(read: () => Promise<T>): () => Promise<T> {
  let underway: Promise<T> | undefined;
  return () => {
    underway ??= read().finally(() => (underway = undefined));
    return underway;
  };
}

async function seenOf(one: Followed): Promise<Seen> {
  const { host, looks, signal } = one;
  const reading = await looks.look(host.connected?.driver.stats, signal);
  return { ...one, reading, measured: measuredOf(one, reading) };
}

/** Ours, and of objects that are there: of what is a stranger's, or gone, nothing is told. */
function measuredOf({ host, stores }: Followed, { machines }: Reading): readonly MeasuredMachine[] {
  const marks = new Map(host.connected?.view.machines.map(({ id, mark }) => [id, mark?.owner]));
  return machines.flatMap((stats) => {
    const owner = marks.get(stats.id);
    if (owner === undefined || owner.cluster !== host.cluster) return [];
    const { namespace, name, uid } = owner;
    if (stores.machines.get(`${namespace}/${name}`)?.metadata.uid !== uid) return [];
    return [{ labels: { namespace, name, hypervisor: host.name }, stats }];
  });
}

function scrapeFamilies(families: Families<Seen>): void {
  const gauge = (name: string, help: string, value: (reading: Reading) => number) =>
    families.gauge(`host_scrape_${name}`, help, ['hypervisor'], ({ host, reading }) => [[{ hypervisor: host.name }, value(reading)]]);
  gauge('success', 'Whether the host told of its machines at this scrape: 1 or 0.', ({ succeeded }) => (succeeded ? 1 : 0));
  gauge('duration_seconds', 'How long the host took to tell of its machines.', ({ seconds }) => seconds);
}

function poolFamilies(families: Families<Followed>): void {
  const gauge = (name: string, help: string, quantity: (status: NonNullable<StoragePoolInstance['status']>) => string | undefined) =>
    families.gauge(`storage_pool_${name}_bytes`, help, ['pool', 'hypervisor'], ({ host, stores }) =>
      stores.instances.list().map(({ spec, status }): Sample<'pool' | 'hypervisor'> => {
        const text = status === undefined ? undefined : quantity(status);
        return [{ pool: spec.poolRef.name, hypervisor: host.name }, text === undefined ? undefined : amountOf(text)];
      }),
    );
  gauge('capacity', 'What the store behind a pool holds in all.', ({ capacity }) => capacity);
  gauge('allocated', 'What is used of the store behind a pool.', ({ allocated }) => allocated);
  gauge('available', 'What is free of the store behind a pool.', ({ available }) => available);
  families.gauge('storage_pool_active', 'Whether a pool runs on a host: 1 or 0.', ['pool', 'hypervisor'], ({ host, stores }) =>
    stores.instances.list().map(({ spec, status }): Sample<'pool' | 'hypervisor'> => {
      const pool = host.connected?.view.pools.find(({ uuid }) => uuid === status?.uuid);
      return [{ pool: spec.poolRef.name, hypervisor: host.name }, pool && (pool.active ? 1 : 0)];
    }),
  );
}

function amountOf(text: string): number | undefined {
  const amount = readAmount(text);
  return amount === undefined || amount.isNegative ? undefined : Number(amount.above) / Number(amount.below);
}

const machineLabels = ['namespace', 'name', 'hypervisor'] as const;

function guestFamilies(families: Families<Followed>): void {
  families.gauge(
    'vm_guest_agent_connected',
    "Whether the guest's agent answers: 1 or 0; of machines with a channel for it.",
    machineLabels,
    ({ host, stores }) =>
      stores.machines.list().flatMap(({ metadata: { namespace, name }, status }) => {
        const found = status?.conditions?.find(({ type }) => type === 'GuestAgentConnected');
        if (found === undefined) return [];
        return [[{ namespace, name, hypervisor: host.name }, found.status === 'True' ? 1 : 0] as const];
      }),
  );
}
