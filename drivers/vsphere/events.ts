import { onAbort } from '#drivers/deadline.js';
import type { Events, HostEvent, MachineId, PoolId } from '#drivers/driver.js';
import { Listener } from '#drivers/https/listener.js';
import type { Inventory } from './inventory.js';
import type { ObjectUpdate } from './soap/operations.js';
import { type Query, these } from './soap/properties.js';
import { watchUpdates } from './soap/watch.js';

/** What changes with a machine in a way that matters to us; a guest's own noise does not. */
const machinePaths = ['name', 'runtime.powerState', 'runtime.connectionState', 'config.changeVersion', 'config.instanceUuid'];
const gap: HostEvent = { kind: 'gap' };

/** The long poll of a host, from connecting on, and those who listen to it. */
export class VsphereEvents implements Events {
  readonly #inventory: Inventory;
  readonly #listeners = new Set<Listener>();
  #isHeard = false;

  constructor(inventory: Inventory, signal: AbortSignal) {
    this.#inventory = inventory;
    const watched = {
      queries: (during: AbortSignal) => this.#queries(during),
      onGap: () => {
        this.#isHeard = true;
        this.#tell(gap);
      },
      onUpdate: (update: ObjectUpdate) => this.#tell(hint(update)),
    };
    void watchUpdates(inventory.session, watched, signal);
    void inventory.session.closed.then(() => {
      for (const listener of this.#listeners) listener.end();
    });
  }

  async *watch(signal: AbortSignal): AsyncGenerator<HostEvent, void, undefined> {
    const listener = new Listener();
    const stop = onAbort(signal, () => listener.end());
    this.#listeners.add(listener);
    // Whoever comes before the host hears us waits for the gap that says so.
    if (this.#isHeard) listener.put(gap);
    try {
      yield* listener;
    } finally {
      stop();
      this.#listeners.delete(listener);
    }
  }

  async #queries(signal: AbortSignal): Promise<readonly Query[]> {
    const { scope } = this.#inventory;
    const parent = scope.host ?? scope.compute;
    const datastores = (await this.#inventory.datastores(signal)).map(({ ref }) => ref);
    const stores: readonly Query[] =
      datastores.length === 0
        ? []
        : [{ type: 'Datastore', paths: ['name', 'summary.accessible', 'summary.capacity'], from: these(datastores) }];
    return [
      this.#inventory.machines(machinePaths),
      { type: parent.type, paths: ['datastore', 'network'], from: these([parent]) },
      ...stores,
    ];
  }

  #tell(event: HostEvent): void {
    for (const listener of this.#listeners) listener.put(event);
  }
}

/** Where datastores or networks come and go, all may have changed. */
function hint({ obj }: ObjectUpdate): HostEvent {
  if (obj.type === 'VirtualMachine') return { kind: 'machine', id: obj.value as MachineId };
  return obj.type === 'Datastore' ? { kind: 'pool', id: obj.value as PoolId } : gap;
}
