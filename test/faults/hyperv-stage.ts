import type { Kinds } from '#crds/types.js';
import { connectHypervDriver } from '#drivers/hyperv/driver.js';
import type { Connect } from '#drivers/target.js';
import type { Machine } from '#simulators/hyperv/model/machine.js';
import { condition, type World } from '#test/cluster/world.js';
import type { HypervLab } from './hyperv-lab.js';
import { isReady } from './lab.js';

/** What the host is asked for, as either version calls it. */
export const methods = {
  v2: {
    createDisk: 'CreateVirtualHardDisk',
    define: 'DefineSystem',
    add: 'AddResourceSettings',
    alter: 'ModifyResourceSettings',
    grow: 'ResizeVirtualHardDisk',
    destroy: 'DestroySystem',
  },
  v1: {
    createDisk: 'CreateDynamicVirtualHardDisk',
    define: 'DefineVirtualSystem',
    add: 'AddVirtualSystemResources',
    alter: 'ModifyVirtualSystemResources',
    grow: 'ExpandVirtualHardDisk',
    destroy: 'DestroyVirtualSystem',
  },
} as const;

/** What another life began is waited for as long, in milliseconds. */
export const impatient: Connect = ({ uri, credentials }, signal) =>
  connectHypervDriver(uri, credentials, { signal, pace: { first: 5, longest: 50, patience: 100 } });

/** A few bytes that come to a megabyte where they are taken. */
export const bomb = `<!DOCTYPE a [<!ENTITY b "${'x'.repeat(100)}"><!ENTITY c "${'&b;'.repeat(100)}">]><a>${'&c;'.repeat(100)}</a>`;

export const machine = (name: string, spec: object = {}) => ({
  kind: 'VirtualMachine',
  metadata: { name, namespace: 'default' },
  spec: {
    ...{ placement: { hypervisorRef: { name: 'hv1' } }, memory: { size: '64Mi' }, stop: { mode: 'Hard' } },
    ...spec,
  },
});
export const volume = (name: string, spec: object = {}) => ({
  kind: 'StorageVolume',
  metadata: { name, namespace: 'default' },
  spec: { poolRef: { name: 'hyper-v' }, size: '8Mi', reclaimPolicy: 'Delete', ...spec },
});
export const disk = (name: string) => ({ name, volumeRef: { name } });
export const lan = { name: 'lan', networkRef: { name: 'hyperv-lan' } };

/** A host on which a machine runs that has nothing to do with what goes wrong. */
export class Stage {
  readonly world: World;
  readonly lab: HypervLab;
  readonly #steady: { readonly native: Machine; readonly startedAt: number | undefined; readonly writes: number };

  private constructor(world: World, lab: HypervLab, native: Machine) {
    this.world = world;
    this.lab = lab;
    this.#steady = { native, startedAt: native.startedAt, writes: native.writes };
  }

  static async open(world: World, lab: HypervLab): Promise<Stage> {
    await world.apply(...['Secret', 'Hypervisor', 'StoragePool', 'VirtualNetwork'].flatMap((kind) => lab.example(kind)));
    await world.apply(volume('steady'), machine('steady', { disks: [disk('steady')], interfaces: [lan] }));
    await world.until('VirtualMachine', 'steady', (seen) => isReady(seen) && seen.status?.power?.state === 'Running');
    const native = lab.simulator.machineNamed('default.steady');
    if (native === undefined) throw new Error('it is not there');
    return new Stage(world, lab, native);
  }

  /** Of the machine that nothing is wrong with: it is as it was, and has run all the time. */
  get lost(): readonly unknown[] {
    const { native, startedAt, writes } = this.#steady;
    const isThere = this.lab.simulator.host.machines.get(native.id) === native;
    return [
      ...(isThere ? [] : ['it is gone']),
      ...(native.state === 'running' && native.startedAt === startedAt ? [] : ['it does not run as it did']),
      ...(native.writes === writes ? [] : [`it was written to ${native.writes - writes} times`]),
    ];
  }

  /** What Ready says, once it says so: of what can be used as it was, too. */
  async says<K extends keyof Kinds>(kind: K, name: string, words: RegExp): Promise<void> {
    const told = (seen: Kinds[K]) => {
      const ready = condition(seen, 'Ready');
      return ready === undefined ? '' : `${ready.reason}: ${ready.message}`;
    };
    await this.world.until(kind, name, (seen) => words.test(told(seen)), { timeoutMs: 60_000 });
  }

  /** The host does as it is asked again, and somebody has the object looked at before its time comes. */
  async calm(kind: keyof Kinds, name: string): Promise<void> {
    this.lab.simulator.host.troubles.calm();
    // What only waited for the host to let it go may be gone already.
    await this.world.cluster.kubectl('annotate', '--overwrite', kind, name, `looked=${Date.now()}`);
  }

  async isReady<K extends 'VirtualMachine' | 'StorageVolume' | 'Hypervisor'>(kind: K, name: string): Promise<Kinds[K]> {
    return this.world.until(kind, name, isReady, { timeoutMs: 90_000 });
  }

  async patch(kind: keyof Kinds, name: string, spec: object): Promise<void> {
    await this.world.kubectl('patch', kind, name, '--type=merge', '-p', JSON.stringify({ spec }));
  }

  async close(): Promise<void> {
    await this.world.remove('VirtualMachine', 'steady');
    await this.world.remove('StorageVolume', 'steady');
    await this.world.remove('StoragePool', 'hyper-v');
    await this.world.remove('VirtualNetwork', 'hyperv-lan', 'hyperv-rear', 'hyperv-outside');
    await this.world.remove('Hypervisor', 'hv1');
  }
}
