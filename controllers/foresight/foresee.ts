import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Condition, VirtualMachine } from '#crds/types.js';
import type { Driver } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Rehearse } from '#drivers/target.js';
import type { Binder } from '../binder.js';
import { type SecretField, secretReferences } from '../guest-secrets.js';
import { deletionKey, Jobs, wipeKey } from '../host/jobs.js';
import { Locks } from '../host/locks.js';
import type { HostScope } from '../host/scope.js';
import { HostView } from '../host/view.js';
import { type KubernetesObject, keyOf, type Resource } from '../kubernetes/resource.js';
import { publishStatus, type Reconcilable } from '../loop.js';
import { Patience } from '../patience.js';
import { placeMachine } from '../placement/bind-machine.js';
import { placeVolume } from '../placement/bind-volume.js';
import { Ledger } from '../placement/ledger.js';
import type { AnyAction } from '../plan.js';
import { type Kind, reconcile } from '../reconcile.js';
import { spanningNetworks, spanningPools } from '../spanning/kinds.js';
import { reconcileSpanning } from '../spanning/spanning.js';
import { type PoolCredentials, storagePoolInstanceKind } from '../storage-pool-instance/kind.js';
import { pretendToFill } from '../storage-volume/fill.js';
import { storageVolumeKind } from '../storage-volume/kind.js';
import { Uploads } from '../storage-volume/uploads.js';
import { virtualMachineKind } from '../virtual-machine/kind.js';
import type { SecretValues } from '../virtual-machine/seed.js';
import { virtualNetworkInstanceKind } from '../virtual-network-instance/kind.js';
import type { Watched } from '../watched.js';
import { breath } from './breath.js';
import { CopiedApi } from './copied-api.js';
import { type Copies, copiesOf, type Known } from './copies.js';
import { type Outcome, outcomeOf } from './outcome.js';
import { type Step, stepOf } from './steps.js';

export interface Sight {
  readonly driver: Driver;
  readonly host: HostScope;
  readonly watched: Known;
  readonly secretValues: SecretValues;
  readonly letIn: PoolCredentials;
  readonly rehearse: Rehearse;
}

export interface Foreseen extends Outcome {
  /** `Kind namespace/name` of those that have this host then. */
  readonly placed: readonly string[];
}

/** An object as it would be stored. */
export interface Candidate {
  readonly resource: Resource;
  readonly object: KubernetesObject;
}

/** Each round sees to what the one before has brought about; a machine with all that it needs takes about six. */
const mostRounds = 40;
const jobMs = 5;

/** So much one plan takes of its agent: objects that are looked at, with those that come of what was shown; and time. */
export const bounds = { objects: 10_000, ms: 60_000 };

/**
 * What becomes of the objects, by doing it: to the host as it would be, with copies of what is known, by the binders and loops that do it anywhere else.
 * Each is done one after the other, until nothing moves any more.
 */
export async function foresee(
  candidates: readonly Candidate[],
  isAlone: boolean,
  sight: Sight,
  signal: AbortSignal,
  most = bounds,
): Promise<Foreseen> {
  const rehearsal = await Rehearsal.begin(sight, isAlone, signal);
  for (const candidate of candidates) rehearsal.take(candidate);
  await rehearsal.run(most);
  return rehearsal.outcome();
}

/** A kind, and what is done with one object of it: what that did shows in the copies. */
type Passed = readonly [
  Watched<Pick<KubernetesObject, 'metadata'>, string>,
  (object: Pick<KubernetesObject, 'metadata'>) => Promise<unknown>,
];

class Rehearsal {
  readonly #signal: AbortSignal;
  readonly #copies: Copies;
  readonly #api: CopiedApi;
  readonly #jobs = new Jobs(() => {});
  readonly #steps: Step[] = [];
  readonly #calls: string[];
  readonly #host: string;
  /** By kind: keys of what was shown, and of what came about by it. */
  readonly #involved = new Map<Resource, Set<string>>();
  readonly #passes: readonly Passed[];
  #moves = 0;

  static async begin(sight: Sight, isAlone: boolean, signal: AbortSignal): Promise<Rehearsal> {
    const calls: string[] = [];
    const driver = await sight.rehearse(sight.driver, (call) => void calls.push(call), signal);
    const view = new HostView(driver, () => {}, signal);
    await view.resync(signal);
    const description = await driver.host.describe(signal);
    return new Rehearsal(sight, { driver, view, description }, calls, isAlone, signal);
  }

  private constructor(
    { host, watched, secretValues, letIn }: Sight,
    connected: { readonly driver: Driver; readonly view: HostView; readonly description: Awaited<ReturnType<Driver['host']['describe']>> },
    calls: string[],
    isAlone: boolean,
    signal: AbortSignal,
  ) {
    this.#signal = signal;
    this.#calls = calls;
    this.#host = host.name;
    this.#copies = copiesOf(watched);
    this.#api = new CopiedApi(this.#copies);
    const known = this.#copies.hypervisors.store;
    const scope: HostScope = {
      name: host.name,
      cluster: host.cluster,
      // It may be among what is shown.
      get hypervisor() {
        return known.get(host.name);
      },
      capabilities: connected.description.capabilities,
    };
    const locks = new Locks();
    const { copies, binder } = { copies: this.#copies, binder: this.#binder() };
    const stores = {
      volumes: copies.volumes.store,
      actions: copies.actions.store,
      machines: copies.machines.store,
      networks: copies.networks.store,
      networkInstances: copies.networkInstances.store,
      namespaces: copies.namespaces.store,
      instances: copies.instances.store,
      pools: copies.pools.store,
      secretValues: this.#orUnknown(secretValues, watched),
    };
    const passing = <R extends Reconcilable & KubernetesObject, D, O, A extends AnyAction, S extends Spoken>(
      kind: Kind<R, D, O, A, S>,
      watched: Watched<R, string>,
    ) => this.#passing(kind, watched, connected);
    const uploads = new Uploads(() => {});
    const volumes = passing(storageVolumeKind(scope, stores, this.#jobs, locks, uploads, undefined, pretendToFill), copies.volumes);
    const machines = passing(virtualMachineKind(scope, stores, locks), copies.machines);
    const [pools, networks] = [spanningPools(copies), spanningNetworks(copies)];
    const passes = [
      [copies.pools, (pool: never) => reconcileSpanning(pools, binder, pool, signal)],
      [copies.instances, passing(storagePoolInstanceKind(scope, stores, letIn), copies.instances)],
      [copies.networks, (network: never) => reconcileSpanning(networks, binder, network, signal)],
      [copies.networkInstances, passing(virtualNetworkInstanceKind(scope, stores), copies.networkInstances)],
      [copies.volumes, this.#placing(copies.volumes, (volume) => isAlone && placeVolume(binder, volume, signal), volumes)],
      [copies.machines, this.#placing(copies.machines, (machine) => this.#place(binder, machine), machines)],
    ];
    this.#passes = passes as unknown as readonly Passed[];
    for (const [{ resource, store }] of this.#passes) {
      this.#involved.set(resource, new Set());
      store.subscribe(({ key }) => {
        this.#moves += 1;
        this.#involved.get(resource)?.add(key);
      });
    }
  }

  take({ resource, object }: Candidate): void {
    this.#api.put(resource, object);
  }

  /** @throws DriverError Exhausted beyond the bounds */
  async run({ objects, ms }: typeof bounds): Promise<void> {
    const end = performance.now() + ms;
    for (let round = 0; round < mostRounds; round++) {
      const before = this.#moves;
      for (const [{ resource, store }, pass] of this.#passes)
        for (const key of this.#involved.get(resource) ?? []) {
          await breath(this.#signal);
          if (this.#size > objects) throw tooMuch(`is of more than ${objects} objects, with those that come of them`);
          if (performance.now() > end) throw tooMuch(`takes more than ${ms / 1_000} s`);
          const object = store.get(key);
          if (object !== undefined) await pass(object);
        }
      const worked = await this.#jobsEnded();
      if (this.#moves === before && !worked) return;
    }
  }

  get #size(): number {
    return [...this.#involved.values()].reduce((sum, { size }) => sum + size, 0);
  }

  outcome(): Foreseen {
    const told = [this.#copies.pools, this.#copies.networks, this.#copies.volumes, this.#copies.machines];
    const objects = told.flatMap(({ resource, store }) =>
      [...(this.#involved.get(resource) ?? [])].flatMap((key) => (store.get(key) ?? []) as KubernetesObject),
    );
    const placed = objects.filter(({ status }) => (status as { readonly hypervisor?: string } | undefined)?.hypervisor === this.#host);
    return {
      ...outcomeOf(this.#steps, objects, this.#calls),
      placed: placed.map(({ kind, metadata }) => `${kind} ${keyOf(metadata)}`),
    };
  }

  #binder(): Binder {
    const quiet = { record: () => {}, flush: async () => {}, [Symbol.asyncDispose]: async () => {} };
    const ledger = new Ledger(this.#copies.machines.store);
    return { client: this.#api, watched: this.#copies, locks: new Locks(), patience: new Patience(0), ledger, recorder: quiet };
  }

  async #place(binder: Binder, machine: Parameters<typeof placeMachine>[1]): Promise<void> {
    const had = machine.status?.hypervisor;
    await placeMachine(binder, machine, this.#signal);
    const has = this.#copies.machines.store.get(keyOf(machine.metadata))?.status?.hypervisor;
    if (had !== undefined || has === undefined) return;
    const { name, namespace } = machine.metadata;
    this.#steps.push({ kind: 'VirtualMachine', namespace, name, action: 'Place', because: `${has} suits` });
  }

  /** First the controller's part, then the agent's. */
  #placing<R extends Reconcilable & KubernetesObject & { readonly status?: { readonly hypervisor?: string } }>(
    { store }: Watched<R, string>,
    place: (object: R) => Promise<unknown> | false,
    pass: (object: R) => Promise<unknown>,
  ) {
    return async (object: R): Promise<void> => {
      await place(object);
      const now = store.get(keyOf(object.metadata));
      if (now?.status?.hypervisor === this.#host) await pass(now);
    };
  }

  #passing<R extends Reconcilable & KubernetesObject, D, O, A extends AnyAction, S extends Spoken>(
    kind: Kind<R, D, O, A, S>,
    watched: Watched<R, string>,
    connected: { readonly driver: Driver; readonly view: HostView; readonly description: Awaited<ReturnType<Driver['host']['describe']>> },
  ) {
    const onAct = (object: R, action: AnyAction, because: string) => {
      this.#moves += 1;
      const step = stepOf({ kind: watched.resource.kind, object, action, because, host: connected });
      if (step !== undefined) this.#steps.push(step);
    };
    const publish = (object: R, status: S) => publishStatus({ client: this.#api, ...watched }, object, status, this.#signal);
    return (object: R) => reconcile(kind, object, { ...connected, publish, onAct, clock: Date.now, signal: this.#signal });
  }

  /**
   * What is newly referred to is handed to a host once that has the machine: until then nobody here knows it. What was handed over is of the Secret that
   * a machine names by what is known here, and of that machine: nobody's word is taken for either.
   */
  #orUnknown(values: SecretValues, { machines }: Known): SecretValues {
    const referenceOf = (machine: VirtualMachine | undefined, wanted: SecretField) =>
      machine === undefined ? undefined : secretReferences(machine).find(({ field }) => field === wanted);
    return (uid, field) => {
      const [machine] = this.#copies.machines.store.byIndex('uid', uid);
      const before = machine === undefined ? undefined : machines.store.get(keyOf(machine.metadata));
      const isOld = before?.metadata.uid === uid && isDeepStrictEqual(referenceOf(before, field), referenceOf(machine, field));
      return isOld ? values(uid, field) : { kind: 'value', bytes: Buffer.from('{}'), salt: '' };
    };
  }

  /** Whether there were any. */
  async #jobsEnded(): Promise<boolean> {
    const keys = this.#copies.volumes.store.list().flatMap(({ metadata: { uid } }) => [uid, wipeKey(uid), deletionKey(uid)]);
    const isRunning = () => keys.some((key) => this.#jobs.get(key)?.kind === 'running');
    const any = isRunning();
    while (isRunning()) await sleep(jobMs, undefined, { signal: this.#signal });
    return any;
  }
}

const tooMuch = (what: string): DriverError => new DriverError('Exhausted', `the plan ${what}; ask of fewer objects at once`);

interface Spoken {
  readonly conditions?: readonly Condition[];
}
