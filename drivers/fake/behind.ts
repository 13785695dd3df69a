import type { MachineShape, Mark, PowerReason } from '#drivers/driver.js';
import type { Clock } from './clock.js';
import type { FakeHost } from './host.js';
import type { FakeMachine } from './machine.js';
import type { FakeNetwork } from './network.js';

/** A machine as strangers make it: without a mark of ours, unless they are another cluster of ours. */
export interface StrangersMachine {
  readonly uuid: string;
  readonly nativeName: string;
  readonly mark?: Mark;
  readonly shape?: Partial<MachineShape>;
}

const smallShape: MachineShape = { cpuCount: 1, memoryBytes: 64 << 20, disks: [], interfaces: [], serial: false, rng: false };

/** What others do on a fake host with other tools: behind the driver's back, unrecorded, and never failing. Machines by uuid. */
export class Behind {
  readonly #host: FakeHost<Clock>;

  constructor(host: FakeHost<Clock>) {
    this.#host = host;
  }

  start(uuid: string): void {
    this.#machine(uuid).start({ paused: false });
  }

  destroy(uuid: string): void {
    this.#machine(uuid).stop('Cut');
  }

  /** The hypervisor's process is gone. */
  kill(uuid: string): void {
    this.#machine(uuid).stop('Crashed');
  }

  /** The guest shuts itself down. */
  powerOff(uuid: string): void {
    this.#machine(uuid).stop('Guest');
  }

  pause(uuid: string, reason: PowerReason = 'User'): void {
    this.#machine(uuid).pause(reason);
  }

  resume(uuid: string): void {
    this.#machine(uuid).become({ state: 'On', reason: 'Booted' });
  }

  /** Changes the definition, not the running machine; says no event, as a hand in a file does not. */
  edit(uuid: string, change: Partial<MachineShape>): void {
    const machine = this.#machine(uuid);
    if (machine.configured === undefined) throw new Error(`${uuid} has no definition`);
    machine.configured = { ...machine.configured, ...change };
    machine.writes++;
  }

  remark(uuid: string, mark: Mark | undefined): void {
    this.#machine(uuid).mark = mark;
  }

  rename(uuid: string, nativeName: string): void {
    this.#machine(uuid).nativeName = nativeName;
  }

  /** A running one goes on without a definition, and is gone when it stops. */
  undefine(uuid: string): void {
    const machine = this.#machine(uuid);
    machine.configured = undefined;
    if (machine.isOff) this.#host.vanished(machine);
    this.#host.changed(machine);
  }

  machine({ uuid, nativeName, mark, shape }: StrangersMachine): FakeMachine {
    const machine = this.#host.add(uuid, nativeName);
    machine.write({ ...smallShape, ...shape }, mark);
    return machine;
  }

  pool(uuid: string, nativeName: string, path: string): void {
    this.#host.addPool(uuid, nativeName, { kind: 'directory', path });
  }

  /** A network as whoever runs the host makes it. */
  network(nativeName: string, active = true, change: Partial<FakeNetwork> = {}): void {
    this.#host.setNetwork({ ...change, nativeName, active });
  }

  removeNetwork(nativeName: string): void {
    for (const network of this.#host.networks.values()) if (network.nativeName === nativeName) this.#host.removeNetwork(network.id);
  }

  startPool(uuid: string, active: boolean): void {
    for (const pool of this.#host.pools.values()) if (pool.uuid === uuid) pool.active = active;
  }

  undefinePool(uuid: string): void {
    for (const pool of this.#host.pools.values()) if (pool.uuid === uuid) this.#host.pools.delete(pool.id);
  }

  /** A file in any directory, of a pool or not: pools see it when they look. */
  putFile(path: string, content: Uint8Array): void {
    this.#host.putFile(path, content);
  }

  removeFile(path: string): void {
    const slash = path.lastIndexOf('/');
    this.#host.directory(path.slice(0, slash)).delete(path.slice(slash + 1));
  }

  #machine(uuid: string): FakeMachine {
    const machine = this.#host.byUuid(uuid);
    if (machine === undefined) throw new Error(`no machine ${uuid} on the fake host`);
    return machine;
  }
}
