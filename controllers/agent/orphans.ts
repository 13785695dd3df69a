import type {
  Hypervisor,
  HypervisorStatusOrphansObject,
  StoragePoolInstance,
  StorageVolume,
  VirtualMachine,
  VirtualNetworkInstance,
} from '#crds/types.js';
import { derivedUuid } from '../derived-uuid.js';
import { Jobs } from '../host/jobs.js';
import { instanceName } from '../instance-name.js';
import type { Queue } from '../kubernetes/queue.js';
import type { ObjectMeta } from '../kubernetes/resource.js';
import { createStore, type Store } from '../kubernetes/store.js';
import { createLoop, publishStatus } from '../loop.js';
import { isOutOfService } from '../out-of-service.js';
import type { AnyAction } from '../plan.js';
import { type Kind, type Outcome, reconcile } from '../reconcile.js';
import { storagePoolInstanceKind } from '../storage-pool-instance/kind.js';
import { storageVolumeKind } from '../storage-volume/kind.js';
import { indexes } from '../stores.js';
import { virtualMachineKind } from '../virtual-machine/kind.js';
import { virtualNetworkInstanceKind } from '../virtual-network-instance/kind.js';
import type { Connected } from './host.js';
import type { Surroundings } from './loops.js';
import { stopWhatWasLetGo, tellStopped, whereabouts } from './returning.js';

type Orphan = HypervisorStatusOrphansObject;

const lookAgainMs = 5_000;

/** Machines first, then what they were made of. */
const order: readonly Orphan['kind'][] = ['VirtualMachine', 'StorageVolume', 'VirtualNetworkInstance', 'StoragePoolInstance'];

/**
 * Takes away what was let go while the host was out of service. Each orphan is made into the object that it was, being deleted, and goes the
 * way of any other: what is not ours, or in use, stays.
 */
export function orphanLoop(surroundings: Surroundings): Queue {
  const { host, client, watched, metrics, onTrouble } = surroundings;
  const sweep = new Sweep(surroundings, () => queue.add(host.name));
  const pass = async (hypervisor: Hypervisor, signal: AbortSignal): Promise<Outcome> => {
    const { orphans } = hypervisor.status ?? {};
    const { connected } = host;
    if (orphans === undefined || connected === undefined) return { kind: 'converged' };
    const left: Orphan[] = [];
    const objects = [...(orphans.objects ?? [])].sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
    for (const orphan of objects) if (!(await sweep.isGone(orphan, connected, signal))) left.push(orphan);
    const { orphans: _, ...status } = hypervisor.status ?? {};
    const told = { ...status, ...(left.length === 0 ? {} : { orphans: { count: left.length, objects: left } }) };
    await publishStatus({ client, ...watched.hypervisors }, hypervisor, told, signal);
    return left.length === 0
      ? { kind: 'converged' }
      : { kind: 'progressing', recheckMs: lookAgainMs, because: `${left.length} orphans are left` };
  };
  const queue = createLoop({
    store: watched.hypervisors.store,
    workers: 1,
    pass,
    onError: (key, error) => onTrouble(`orphans of ${key}`, error),
    observer: metrics.queue('orphans'),
  });
  return queue;
}

/** The kinds as their loops have them, over stores that know the pools of orphaned volumes, too. */
class Sweep {
  readonly #surroundings: Surroundings;
  readonly #instances: Store<StoragePoolInstance, 'pool'> = createStore({ indexes: indexes.instances });
  readonly #machines;
  readonly #volumes;
  readonly #pools;
  readonly #networks;
  readonly #onStopped;

  constructor(surroundings: Surroundings, onJobEnd: () => void) {
    this.#surroundings = surroundings;
    this.#onStopped = tellStopped(surroundings.recorder, () => surroundings.host.hypervisor);
    const { host, watched, locks, uploads, secretValues } = surroundings;
    const stores = {
      volumes: watched.volumes.store,
      actions: watched.actions.store,
      machines: watched.machines.store,
      networks: watched.networks.store,
      networkInstances: watched.networkInstances.store,
      namespaces: watched.namespaces.store,
      pools: watched.pools.store,
      instances: this.#instances,
      secretValues,
    };
    this.#machines = virtualMachineKind(host, stores, locks);
    this.#volumes = storageVolumeKind(host, stores, new Jobs(onJobEnd), locks, uploads);
    this.#pools = storagePoolInstanceKind(host, stores);
    this.#networks = virtualNetworkInstanceKind(host, stores);
  }

  isGone(orphan: Orphan, connected: Connected, signal: AbortSignal): Promise<boolean> {
    const { name } = this.#surroundings.host;
    switch (orphan.kind) {
      case 'VirtualMachine':
        return this.#isMachineGone(orphan, connected, signal);
      case 'StorageVolume':
        return this.#goes(this.#volumes, volumeOf(orphan, name), connected, signal);
      case 'StoragePoolInstance':
        return this.#goes(this.#pools, poolOf(orphan, name), connected, signal);
      case 'VirtualNetworkInstance':
        return this.#goes(this.#networks, networkOf(orphan, name), connected, signal);
    }
  }

  /** One that goes on elsewhere may have its seed in a store that both hosts see: of that nothing is taken away. */
  async #isMachineGone(orphan: Orphan, connected: Connected, signal: AbortSignal): Promise<boolean> {
    const { host, client, onTrouble } = this.#surroundings;
    const { driver, view } = connected;
    const { namespace = '', name, uid } = orphan;
    const where = await whereabouts({ client, name: host.name }, { namespace, name, uid }, signal);
    // While the host is out of service, the controller may be about to let go of it.
    if (where === 'here') return host.hypervisor !== undefined && !isOutOfService(host.hypervisor);
    await view.refresh({ machines: true }, signal);
    const options = { client, name: host.name, cluster: host.cluster, orphans: () => [orphan], onStopped: this.#onStopped, onTrouble };
    await stopWhatWasLetGo(options, driver, view, signal);
    await view.refresh({ machines: true }, signal);
    if (view.machines.some(({ mark }) => mark?.owner.uid === uid && mark.owner.cluster === host.cluster)) return false;
    // What never could be read has no owner that is known: it may be this very machine, and go on running.
    if (view.unseen.length > 0) return false;
    return where === 'elsewhere' || this.#goes(this.#machines, machineOf(orphan, host.name), connected, signal);
  }

  /** Pools that were let go along with what is in them come after it. */
  #knowPools(): void {
    const { host, watched } = this.#surroundings;
    const objects = host.hypervisor?.status?.orphans?.objects ?? [];
    const orphaned = objects
      .filter(({ kind }) => kind === 'StoragePoolInstance')
      .map((orphan) => ({ ...poolOf(orphan, host.name), status: { uuid: derivedUuid('pool', host.cluster, orphan.uid, host.name) } }));
    this.#instances.replace([...orphaned, ...watched.instances.store.list()]);
  }

  async #goes<R, D, O, A extends AnyAction, S>(
    kind: Kind<R, D, O, A, S>,
    object: R,
    { driver, view }: Connected,
    signal: AbortSignal,
  ): Promise<boolean> {
    this.#knowPools();
    const publish = async (seen: R) => seen;
    const outcome = await reconcile(kind, object, { driver, view, publish, clock: Date.now, signal });
    return outcome.kind === 'converged';
  }
}

/** As it was when it was let go, as far as its removal needs. */
const metaOf = ({ name, uid, nativeName: _, ...orphan }: Orphan) => {
  const since = new Date(0).toISOString();
  const meta: ObjectMeta & { readonly generation: number } = {
    name,
    uid,
    resourceVersion: '0',
    generation: 1,
    creationTimestamp: since,
    deletionTimestamp: since,
  };
  return { ...meta, namespace: orphan.namespace ?? '' };
};

const apiVersion = 'virtwright.io/v1alpha1';

const machineOf = (orphan: Orphan, hypervisor: string): VirtualMachine => ({
  apiVersion,
  kind: 'VirtualMachine',
  metadata: metaOf(orphan),
  spec: { runStrategy: 'Halted', stop: { mode: 'Hard', timeoutSeconds: 1 }, cpu: { count: 1 }, memory: { size: '1Mi' } },
  status: { hypervisor, ...nativeNameOf(orphan) },
});

/** Whether it was whole nobody asks of what is not kept. */
const volumeOf = (orphan: Orphan, hypervisor: string): StorageVolume => ({
  apiVersion,
  kind: 'StorageVolume',
  metadata: metaOf(orphan),
  spec: { size: '1Mi', reclaimPolicy: orphan.reclaimPolicy === 'Wipe' ? 'Wipe' : 'Delete' },
  status: {
    hypervisor,
    pool: orphan.pool ?? '',
    ...nativeNameOf(orphan),
    import: { startedAt: metaOf(orphan).creationTimestamp, completedAt: metaOf(orphan).creationTimestamp },
  },
});

const poolOf = (orphan: Orphan, hypervisor: string): StoragePoolInstance => ({
  apiVersion,
  kind: 'StoragePoolInstance',
  metadata: metaOf(orphan),
  spec: { poolRef: { name: parentOf(orphan, hypervisor) }, hypervisor },
});

const networkOf = (orphan: Orphan, hypervisor: string): VirtualNetworkInstance => ({
  apiVersion,
  kind: 'VirtualNetworkInstance',
  metadata: metaOf(orphan),
  spec: { networkRef: { name: parentOf(orphan, hypervisor) }, hypervisor },
  status: nativeNameOf(orphan),
});

const parentOf = ({ name }: Orphan, hypervisor: string): string => name.slice(0, -instanceName('', hypervisor).length);

const nativeNameOf = ({ nativeName }: Orphan) => (nativeName === undefined ? {} : { nativeName });
