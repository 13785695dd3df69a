import { isDeepStrictEqual } from 'node:util';
import type { Hypervisor, VirtualMachine } from '#crds/types.js';
import type { Machine } from '#drivers/driver.js';
import { secretReferences } from '../guest-secrets.js';
import type { Changes } from '../host/view.js';
import { markedName } from '../incomplete.js';
import { again, type Queue } from '../kubernetes/queue.js';
import { keyOf } from '../kubernetes/resource.js';
import { type Change, latest } from '../kubernetes/store.js';
import type { Door } from '../session/door.js';
import { networksOf, shortUidLength, volumesOf } from '../stores.js';
import { actionLoop } from './actions.js';
import { hypervisorLoop } from './hypervisor.js';
import { instanceLoop, machineLoop, networkInstanceLoop, type Surroundings, volumeLoop } from './loops.js';
import { orphanLoop } from './orphans.js';
import { sessionLoop } from './sessions.js';
import type { HostWatches } from './watches.js';

export type Loops = Readonly<
  Record<'machines' | 'volumes' | 'instances' | 'networkInstances' | 'actions' | 'sessions' | 'hypervisors' | 'orphans', Queue>
>;

export const createLoops = (surroundings: Surroundings, door: Door): Loops => ({
  machines: machineLoop(surroundings),
  volumes: volumeLoop(surroundings),
  instances: instanceLoop(surroundings),
  networkInstances: networkInstanceLoop(surroundings),
  actions: actionLoop(surroundings),
  sessions: sessionLoop(surroundings, door),
  hypervisors: hypervisorLoop(surroundings),
  orphans: orphanLoop(surroundings),
});

const gatherMs = 100;

/** Who is to look again when something changes: the objects that refer to it. Each loop hears of its own objects by itself. */
export class Wiring {
  readonly #host: string;
  readonly #loops: Loops;
  readonly #watched: HostWatches;
  readonly #signal: AbortSignal;

  /** Until the signal: some of what is watched outlives it. */
  constructor(host: string, loops: Loops, watched: HostWatches, signal: AbortSignal) {
    this.#host = host;
    this.#loops = loops;
    this.#watched = watched;
    this.#signal = signal;
    this.#subscribe();
  }

  #subscribe(): void {
    const { machines, volumes, instances, networkInstances } = this.#loops;
    const { store: byNetwork } = this.#watched.networkInstances;
    const { store: byMachine } = this.#watched.machines;
    const { store: byVolume } = this.#watched.volumes;
    byVolume.subscribe((change) => {
      const { spec, status } = latest(change);
      // Whoever wanted the same has it now.
      if (change.kind === 'deleted' && spec.existing !== undefined) again(volumes, byVolume.byIndex('instance', status?.pool ?? ''));
    });
    byVolume.subscribe((change) => {
      const { metadata, spec } = latest(change);
      again(machines, byMachine.byIndex('volume', keyOf(metadata)));
      again(volumes, byVolume.byIndex('source', keyOf(metadata)));
      if (spec.source?.volumeRef !== undefined) this.#sourceOf(`${metadata.namespace}/${spec.source.volumeRef.name}`);
    });
    byMachine.subscribe((change) => {
      const machine = latest(change);
      const { metadata } = machine;
      for (const name of networksOf(machine)) again(networkInstances, byNetwork.byIndex('network', `${metadata.namespace}/${name}`));
      this.#hostIsToBeTold();
      again(volumes, byVolume.byIndex('claim', metadata.uid));
      // What it boots from it has not claimed, and holds all the same.
      for (const name of volumesOf(machine).readOnly) volumes.add(`${metadata.namespace}/${name}`);
      this.#actionsOf(keyOf(metadata));
    });
    this.#watched.actions.store.subscribe((change) => {
      const { metadata, spec } = latest(change);
      machines.add(`${metadata.namespace}/${spec.machineRef.name}`);
    });
    this.#watched.instances.store.subscribe((change) => again(volumes, byVolume.byIndex('instance', latest(change).metadata.name)));
    this.#watched.pools.store.subscribe(({ key }) => again(instances, this.#watched.instances.store.byIndex('pool', key)), this.#signal);
    byNetwork.subscribe((change) => {
      const { metadata, spec } = latest(change);
      again(machines, byMachine.byIndex('network', `${metadata.namespace}/${spec.networkRef.name}`));
      const byDefault = this.#watched.hypervisors.store.get(this.#host)?.spec.defaultNetworkRef;
      if (byDefault?.namespace !== metadata.namespace || byDefault.name !== spec.networkRef.name) return;
      again(
        machines,
        byMachine.list().filter((machine) => machine.spec.interfaces === undefined),
      );
    });
    this.#watched.networks.store.subscribe(({ key }) => again(networkInstances, byNetwork.byIndex('network', key)), this.#signal);
    this.#watched.namespaces.store.subscribe(() => {
      again(volumes, byVolume.list());
      again(networkInstances, byNetwork.list());
      again(
        machines,
        byMachine.list().filter((machine) => networksOf(machine).length > 0),
      );
    }, this.#signal);
    this.#watched.hypervisors.store.subscribe((change) => {
      if (!isStatusOnly(change)) this.everythingChanged();
    });
  }

  /** A volume that others are made from waits for them, and so do machines that have it as a disk. */
  #sourceOf(volume: string): void {
    this.#loops.volumes.add(volume);
    again(this.#loops.machines, this.#watched.machines.store.byIndex('volume', volume));
  }

  /** What the stores of pools let in by. */
  poolsChanged(): void {
    again(this.#loops.instances, this.#watched.instances.store.list());
  }

  /** By uid, as jobs are called. */
  volumeChanged(uid: string): void {
    again(
      this.#loops.volumes,
      this.#watched.volumes.store.list().filter(({ metadata }) => metadata.uid === uid),
    );
  }

  /** What guests are told of their tenants' Secrets. */
  secretsChanged(): void {
    const refers = (machine: VirtualMachine) => secretReferences(machine).length > 0;
    again(this.#loops.machines, this.#watched.machines.store.list().filter(refers));
  }

  hostChanged(changes: Changes | 'connection'): void {
    this.#hostIsToBeTold();
    if (changes === 'connection') {
      this.#loops.orphans.add(this.#host);
      this.everythingChanged();
      return;
    }
    for (const machine of [...changes.machines, ...changes.gone]) this.#machineChanged(machine);
    // A network of ours may wait for the last machine on it.
    if (changes.networks || changes.gone.length > 0) again(this.#loops.networkInstances, this.#watched.networkInstances.store.list());
    if (changes.pools || changes.volumes.length > 0) again(this.#loops.instances, this.#watched.instances.store.list());
    if (changes.pools) again(this.#loops.volumes, this.#watched.volumes.store.list());
    else for (const name of changes.volumes) this.#storedChanged(markedName(name));
  }

  /** What is told of a host is found by going through all of its machines: once for all that changed within a moment. */
  #hostIsToBeTold(): void {
    this.#loops.hypervisors.addAfter(this.#host, gatherMs);
  }

  /** What is nobody's may be in anybody's way. */
  #storedChanged(nativeName: string): void {
    const { store } = this.#watched.volumes;
    const meant = [...store.byIndex('nativeName', nativeName), ...store.byIndex('shortUid', nativeName.slice(-shortUidLength))];
    again(this.#loops.volumes, meant.length === 0 ? store.list() : meant);
    for (const { metadata, spec } of meant) {
      again(this.#loops.volumes, store.byIndex('source', keyOf(metadata)));
      if (spec.source?.volumeRef !== undefined) this.#loops.volumes.add(`${metadata.namespace}/${spec.source.volumeRef.name}`);
    }
  }

  everythingChanged(): void {
    for (const kind of ['machines', 'volumes', 'instances', 'networkInstances', 'actions', 'sessions', 'hypervisors'] as const) {
      for (const key of this.#watched[kind].store.keys()) this.#loops[kind].add(key);
    }
  }

  /** Of ours, and of a stranger's that has the uuid or the native name of one of ours: once it is out of the way, ours can be made. */
  #machineChanged({ mark, uuid, nativeName }: Machine): void {
    const { store } = this.#watched.machines;
    const meant = [...store.byIndex('uuid', uuid), ...store.byIndex('nativeName', nativeName)].map(({ metadata }) => keyOf(metadata));
    for (const key of new Set([...(mark === undefined ? [] : [keyOf(mark.owner)]), ...meant])) {
      this.#loops.machines.add(key);
      this.#actionsOf(key);
    }
  }

  #actionsOf(machine: string): void {
    again(this.#loops.actions, this.#watched.actions.store.byIndex('machine', machine));
  }
}

/** A Hypervisor's status is our own word: nobody needs to look again because of it. */
const isStatusOnly = (change: Change<Hypervisor>): boolean =>
  change.kind === 'updated' &&
  isDeepStrictEqual(change.object.spec, change.previous.spec) &&
  isDeepStrictEqual(change.object.metadata.annotations, change.previous.metadata.annotations);
