import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadAll } from 'js-yaml';
import type t from 'tap';
import type { Pace } from '#controllers/agent/host.js';
import type { Hypervisor, VirtualMachine } from '#crds/types.js';
import { connect, credentialKeys } from '#drivers/connect.js';
import { until } from '#test/cluster/until.js';
import { type Running, useWorld, type World } from '#test/cluster/world.js';
import { skipWhereMissing } from '#test/peers/build.js';
import { type Native, Onlooker } from '#test/peers/vsphere/onlooker.js';
import { startVcsim, type Vcsim } from '#test/peers/vsphere/vcsim.js';
import { startProxy, type VsphereProxy } from '#test/servers/vsphere-proxy.js';
import { isReady } from './lab.js';
import { OperatorProcess } from './operator-process.js';

export type Mode = 'esx' | 'vcenter';
export const modes: readonly Mode[] = ['esx', 'vcenter'];

/** The operator's namespace, as the examples have it. */
export const namespace = 'virtwright-system';
export const datastore = 'LocalDS_0';

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: object;
}

/** A simulated ESX host or vCenter behind a proxy that counts, a real API server, and another hand at the host. */
export class VsphereLab implements AsyncDisposable {
  readonly world: World;
  readonly mode: Mode;
  readonly vcsim: Vcsim;
  readonly proxy: VsphereProxy;
  readonly onlooker: Onlooker;
  readonly #examples: readonly Manifest[];

  private constructor(world: World, mode: Mode, vcsim: Vcsim, proxy: VsphereProxy, onlooker: Onlooker, examples: readonly Manifest[]) {
    this.world = world;
    this.mode = mode;
    this.vcsim = vcsim;
    this.proxy = proxy;
    this.onlooker = onlooker;
    this.#examples = examples;
  }

  /** With that many machines of its own. */
  static async open(world: World, mode: Mode, machines = 0): Promise<VsphereLab> {
    const vcsim = await startVcsim({ mode, machines });
    try {
      const onlooker = await Onlooker.open(vcsim);
      return new VsphereLab(world, mode, vcsim, await startProxy(vcsim), onlooker, await readExamples());
    } catch (reason) {
      await vcsim.stop();
      throw reason;
    }
  }

  get uri(): string {
    const { port } = this.proxy;
    return this.mode === 'esx' ? `esx://127.0.0.1:${port}` : `vpx://127.0.0.1:${port}/DC0/DC0_C0`;
  }

  /** A manifest of the examples, with some of its spec changed. */
  example(kind: string, name: string, spec: object = {}): Manifest {
    const found = this.#examples.find((one) => one.kind === kind && one.metadata.name === name);
    if (found === undefined) throw new Error(`no ${kind} "${name}" in manifests/examples/vsphere`);
    return found.spec === undefined ? found : { ...found, spec: { ...found.spec, ...spec } };
  }

  /** The examples as they are, but for where this host is, what lets us in, and what its datastore is called. */
  examples(): readonly Manifest[] {
    const replaced = [this.hypervisor(), this.pool(), this.secret()];
    const isReplaced = (one: Manifest) => replaced.some(({ kind }) => kind === one.kind);
    return [...replaced, ...this.#examples.filter((one) => !isReplaced(one))];
  }

  secret(change: Readonly<Record<string, string>> = {}): Manifest {
    const { username, password, ca } = this.vcsim;
    return { ...this.example('Secret', 'esx1'), ...{ stringData: { username, password, 'ca.crt': ca, sha256: '', ...change } } };
  }

  hypervisor(spec: object = {}): Manifest {
    return this.example('Hypervisor', 'esx1', { uri: this.uri, ...spec });
  }

  pool(name = datastore): Manifest {
    return this.example('StoragePool', 'datastore1', { existing: { name } });
  }

  /** Host, credentials, datastore and port group. */
  async furnish(): Promise<void> {
    await this.world.apply(this.secret(), this.hypervisor(), this.pool(), this.example('VirtualNetwork', 'vm-network'));
  }

  /** A machine of the least that runs; one with a disk has volume `name`. */
  machine(name: string, spec: object = {}) {
    return {
      kind: 'VirtualMachine',
      metadata: { name, namespace: 'default' },
      spec: { memory: { size: '64Mi' }, stop: { mode: 'Hard' }, ...spec },
    };
  }

  volume(name: string, spec: object = {}) {
    return { kind: 'StorageVolume', metadata: { name, namespace: 'default' }, spec: { size: '8Mi', reclaimPolicy: 'Delete', ...spec } };
  }

  /** The operator in this process. */
  start(options: { readonly pace?: Partial<Pace>; readonly only?: 'controller' | 'agent' } = {}): Promise<Running> {
    return this.world.start({ connect, credentialKeys, hypervisors: ['esx1'], namespace, ...options });
  }

  /** A part of the operator as a process of its own. */
  process(command: 'controller' | 'agent' | 'operator'): OperatorProcess {
    return new OperatorProcess(command, ['esx1'], this.world.cluster.kubeconfigPath, this.vcsim.folder);
  }

  untilReady(name: string, isSo: (machine: VirtualMachine) => boolean = () => true, timeoutMs = 60_000): Promise<VirtualMachine> {
    return this.world.until('VirtualMachine', name, (seen) => isReady(seen) && isSo(seen), { timeoutMs });
  }

  /** In patience: who is killed meanwhile takes its time. */
  async untilGone(kind: 'VirtualMachine' | 'StorageVolume', name: string): Promise<void> {
    await until(async () => (await this.world.get(kind, name)) === undefined);
  }

  untilConnected(): Promise<Hypervisor> {
    return this.world.until('Hypervisor', 'esx1', isReady);
  }

  /** What the host has by that name, as the other hand sees it. */
  async native(name: string): Promise<Native> {
    const found = await this.onlooker.machine(name);
    if (found === undefined) throw new Error(`the host has no machine ${name}`);
    return found;
  }

  /** The machine once it is as told, as the other hand sees it. */
  async untilNative(name: string, isSo: (machine: Native) => boolean, timeoutMs = 60_000): Promise<Native> {
    let seen: Native | undefined;
    for (const end = Date.now() + timeoutMs; Date.now() < end; await sleep(50)) {
      seen = await this.onlooker.machine(name);
      if (seen !== undefined && isSo(seen)) return seen;
    }
    throw new Error(`machine ${name} never was as expected; it is ${JSON.stringify(seen)}`);
  }

  /** What our operator asked of the host that could change something there. */
  changes(): readonly string[] {
    return this.proxy.asked.filter((operation) => isChange(operation));
  }

  async remove(...names: readonly string[]): Promise<void> {
    for (const name of names) await this.world.delete('VirtualMachine', name);
    for (const name of names) await this.world.untilGone('VirtualMachine', name);
  }

  async removeVolumes(...names: readonly string[]): Promise<void> {
    for (const name of names) await this.world.delete('StorageVolume', name);
    for (const name of names) await this.world.untilGone('StorageVolume', name);
  }

  /** Files on the datastore, as a machine's disk names them. */
  async stored(): Promise<readonly string[]> {
    return (await this.onlooker.files(datastore)).map((path) => path.replace(/^(\[.*?\])\/?/, '$1 '));
  }

  /** What `furnish` made. Nothing is left in the API server, so that the next lab has it for itself. */
  async clear(): Promise<void> {
    await this.world.delete('VirtualNetwork', 'vm-network');
    await this.world.delete('StoragePool', 'datastore1');
    await this.world.untilGone('VirtualNetwork', 'vm-network');
    await this.world.untilGone('StoragePool', 'datastore1');
    await this.world.delete('Hypervisor', 'esx1');
    await this.world.kubectl('delete', 'virtualmachineactions', '--all');
    await this.world.kubectl('delete', 'secret', 'esx1', '--namespace', namespace);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.onlooker[Symbol.asyncDispose]();
    await this.proxy[Symbol.asyncDispose]();
    await this.vcsim.stop();
  }
}

const looks =
  /^(Retrieve|CurrentTime|WaitFor|CreateFilter|DestroyPropertyFilter|DestroyPropertyCollector|CreateContainerView|DestroyView|FindAllByUuid|SearchDatastore|Login|Logout|GET |CreatePropertyCollector|CancelWait|RefreshDatastore)/;
/** Whether it could change something on the host. */
export const isChange = (operation: string): boolean => !looks.test(operation);

async function readExamples(): Promise<readonly Manifest[]> {
  // Seen from `dist/test/faults/`.
  const folder = new URL('../../../manifests/examples/vsphere/', import.meta.url);
  const texts = await Promise.all(['host', 'machine'].map((name) => readFile(new URL(`${name}.yaml`, folder), 'utf8')));
  return texts.flatMap((text) => loadAll(text)) as readonly Manifest[];
}

/** An API server for the whole test file, and whatever else a lab needs tried once. */
export async function useVsphereWorld(test: typeof t): Promise<World> {
  test.setTimeout(10 * 60_000);
  await buildOrSkip(test);
  const world = await useWorld(test);
  test.setTimeout(15 * 60_000);
  await world.kubectl('create', 'namespace', namespace);
  return world;
}

async function buildOrSkip(test: typeof t): Promise<void> {
  try {
    await using vcsim = await startVcsim({ mode: 'esx' });
    await using _onlooker = await Onlooker.open(vcsim);
  } catch (reason) {
    skipWhereMissing(test, reason);
  }
}
