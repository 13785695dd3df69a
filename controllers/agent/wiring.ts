import { isDeepStrictEqual } from 'node:util';
import type { Hypervisor } from '#crds/types.js';
import type { Machine } from '#drivers/driver.js';
import type { Changes } from '../host/view.js';
import { again, type Queue } from '../kubernetes/queue.js';
import { keyOf } from '../kubernetes/resource.js';
import { type Change, latest } from '../kubernetes/store.js';
import { volumesOf } from '../stores.js';
import { actionLoop } from './actions.js';
import { hypervisorLoop } from './hypervisor.js';
import { instanceLoop, machineLoop, type Surroundings, volumeLoop } from './loops.js';
import type { HostWatches } from './watches.js';

export type Loops = Readonly<Record<'machines' | 'volumes' | 'instances' | 'actions' | 'hypervisors', Queue>>;

export const createLoops = (surroundings: Surroundings): Loops => ({
  machines: machineLoop(surroundings),
  volumes: volumeLoop(surroundings),
  instances: instanceLoop(surroundings),
  actions: actionLoop(surroundings),
  hypervisors: hypervisorLoop(surroundings),
});

/** Who is to look again when something changes: the objects that refer to it. Each loop hears of its own objects by itself. */
export class Wiring {
  readonly #host: string;
  readonly #loops: Loops;
  readonly #watched: HostWatches;

  constructor(host: string, loops: Loops, watched: HostWatches) {
    this.#host = host;
    this.#loops = loops;
    this.#watched = watched;
    this.#subscribe();
  }

  #subscribe(): void {
    const { machines, volumes, instances } = this.#loops;
    const { store: byMachine } = this.#watched.machines;
    const { store: byVolume } = this.#watched.volumes;
    byVolume.subscribe((change) => again(machines, byMachine.byIndex('volume', keyOf(latest(change).metadata))));
    byMachine.subscribe((change) => {
      const { metadata } = latest(change);
      this.#loops.hypervisors.add(this.#host);
      again(volumes, byVolume.byIndex('claim', metadata.uid));
      // What it boots from it has not claimed, and holds all the same.
      for (const name of volumesOf(latest(change)).readOnly) volumes.add(`${metadata.namespace}/${name}`);
      this.#actionsOf(keyOf(metadata));
    });
    this.#watched.actions.store.subscribe((change) => {
      const { metadata, spec } = latest(change);
      machines.add(`${metadata.namespace}/${spec.machineRef.name}`);
    });
    this.#watched.instances.store.subscribe((change) => again(volumes, byVolume.byIndex('instance', latest(change).metadata.name)));
    this.#watched.pools.store.subscribe(({ key }) => again(instances, this.#watched.instances.store.byIndex('pool', key)));
    this.#watched.namespaces.store.subscribe(() => again(volumes, byVolume.list()));
    this.#watched.hypervisors.store.subscribe((change) => {
      if (!isStatusOnly(change)) this.everythingChanged();
    });
  }

  /** By uid, as jobs are called. */
  volumeChanged(uid: string): void {
    again(
      this.#loops.volumes,
      this.#watched.volumes.store.list().filter(({ metadata }) => metadata.uid === uid),
    );
  }

  hostChanged(changes: Changes | 'connection'): void {
    this.#loops.hypervisors.add(this.#host);
    if (changes === 'connection') {
      this.everythingChanged();
      return;
    }
    for (const machine of [...changes.machines, ...changes.gone]) this.#machineChanged(machine);
    if (!changes.pools) return;
    again(this.#loops.instances, this.#watched.instances.store.list());
    again(this.#loops.volumes, this.#watched.volumes.store.list());
  }

  everythingChanged(): void {
    for (const kind of ['machines', 'volumes', 'instances', 'actions', 'hypervisors'] as const) {
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
