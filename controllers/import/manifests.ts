import { adoptAnnotation } from '#crds/annotations.js';
import type { Machine, MachineShape, VolumeFormat } from '#drivers/driver.js';
import { isOfOurMaking } from '../incomplete.js';
import { type Advice, adviceFor } from './advice.js';
import { Directories } from './directories.js';
import { byName, type Found, locationsOf, makesVolumes, named, sizeOf, volumesByLocation, whyNoVolume, writtenBy } from './found.js';
import type { Inventory } from './inventory.js';
import { listed } from './listed.js';
import { Names } from './names.js';
import { specOf } from './shape.js';
import { whyUnsaid } from './unsaid.js';

const apiVersion = 'virtwright.io/v1alpha1';

export interface Wish {
  /** What the Hypervisor is called, and where its host is. */
  readonly hypervisor: string;
  readonly uri: string;
  readonly namespace: string;
  /** It asks for some: they are to be in a Secret of its name. */
  readonly hasCredentials?: boolean;
  /** Native names or uuids of machines; all when there are none. */
  readonly machines: readonly string[];
}

/** A file of manifests. */
export interface File {
  readonly path: string;
  readonly comments: readonly string[];
  readonly objects: readonly object[];
}

export interface Imported {
  readonly files: readonly File[];
  readonly machines: number;
  /** What is left out, and why. */
  readonly left: readonly string[];
}

/** Manifests for what is on a host, such that nothing is to be done about them. Pure, and the same every time. */
export function manifestsOf(inventory: Inventory, wish: Wish): Imported {
  return new Import(inventory, wish).run();
}

class Import {
  readonly #inventory: Inventory;
  readonly #wish: Wish;
  readonly #advice: Advice;
  readonly #left: string[];
  readonly #networks: ReadonlyMap<string, string>;
  readonly #poolNames: ReadonlyMap<string, string>;
  readonly #volumes: ReadonlyMap<string, Found>;
  /** As a machine has it, which alone knows: what is in it may look like anything. */
  readonly #formats = new Map<string, VolumeFormat>();
  /** Of volumes that a machine which is imported has as a disk: nobody else may. */
  readonly #writers = new Map<string, string>();
  readonly #imported = new Set<Machine>();
  readonly #wanted = new Set<Found>();
  readonly #attached = new Set<string>();
  readonly #directories: Directories;

  constructor(inventory: Inventory, wish: Wish) {
    this.#inventory = inventory;
    this.#wish = wish;
    this.#advice = adviceFor(wish.uri);
    this.#left = [...inventory.unread];
    this.#networks = named(inventory.networks);
    this.#poolNames = named(inventory.pools.map(({ pool }) => pool));
    this.#volumes = volumesByLocation(inventory, this.#poolNames);
    this.#directories = new Directories(
      inventory.pools.flatMap(({ volumes }) => volumes.map(({ id: { nativeName }, location }) => ({ nativeName, location }))),
    );
    for (const { found, configured, live } of inventory.machines)
      for (const { location, format } of (found?.shape ?? configured ?? live)?.disks ?? []) this.#formats.set(location, format);
  }

  run(): Imported {
    const names = new Names();
    const machines = byName(this.#inventory.machines)
      .filter((machine) => this.#isMeant(machine))
      .flatMap((machine) => this.#machine(machine, names) ?? []);
    for (const missing of this.#unknown()) this.#left.push(`machine ${missing}: the host has none of this name or uuid`);
    const others = this.#users();
    if (this.#wish.machines.length === 0) for (const found of this.#volumes.values()) this.#takeUnused(found, others);
    const files = [
      {
        path: 'hypervisor.yaml',
        comments: [...grantsComment, ...(this.#directories.privileged ? privilegedComment : []), ...this.#secretComment()],
        objects: [this.#hypervisor(machines.map(({ uuid }) => uuid))],
      },
      { path: 'pools.yaml', comments: [], objects: this.#pools() },
      { path: 'networks.yaml', comments: [], objects: this.#networkObjects() },
      { path: 'volumes.yaml', comments: [], objects: this.#volumeObjects() },
      ...machines.map(({ file }) => file),
    ].filter(({ objects }) => objects.length > 0);
    return { files, machines: machines.length, left: this.#left };
  }

  #isMeant({ uuid, nativeName }: Machine): boolean {
    const { machines } = this.#wish;
    return machines.length === 0 || machines.includes(uuid) || machines.includes(nativeName);
  }

  #unknown(): readonly string[] {
    const known = this.#inventory.machines.flatMap(({ uuid, nativeName }) => [uuid, nativeName]);
    return this.#wish.machines.filter((name) => !known.includes(name));
  }

  #machine(machine: Machine, names: Names): { readonly uuid: string; readonly file: File } | undefined {
    const { uuid, nativeName, found, mark } = machine;
    const hindrance =
      mark !== undefined
        ? `it is VirtualMachine ${mark.owner.namespace}/${mark.owner.name} of cluster "${mark.owner.cluster}"`
        : found === undefined
          ? 'the host has no definition of it, or machines there cannot be adopted'
          : (found.hindrance ??
            this.#hindrance(found.shape) ??
            whyUnsaid(this.#specOf(machine, found.shape), this.#inventory.capabilities));
    if (hindrance !== undefined || found === undefined) {
      this.#left.push(`machine ${nativeName}: ${hindrance}`);
      return undefined;
    }
    this.#imported.add(machine);
    for (const { location } of found.shape.disks) this.#writers.set(location, nativeName);
    if (found.shape.container !== undefined) this.#directories.take(nativeName, found.shape.container);
    for (const { network } of found.shape.interfaces) this.#attached.add(network);
    for (const location of locationsOf(found.shape)) this.#take(this.#volumes.get(location));
    const name = names.take(nativeName);
    const object = { ...this.#headed('VirtualMachine', name, 'true'), spec: this.#specOf(machine, found.shape) };
    const comments = [
      ...(found.kept.length === 0 ? [] : [`Kept on the host as it is, and not managed: ${found.kept.join(', ')}.`]),
      ...(found.shape.memoryBytes % 2 ** 20 === 0
        ? []
        : ['Its memory is no whole MiB: with the first change to it, spec.memory.size has to be one.']),
    ];
    return { uuid, file: { path: `machines/${name}.yaml`, comments, objects: [object] } };
  }

  #specOf({ uuid, power }: Machine, shape: MachineShape): object {
    return { uuid, placement: { hypervisorRef: { name: this.#wish.hypervisor } }, ...specOf(shape, power, this.#called) };
  }

  /** Why a manifest cannot say what it has. */
  #hindrance(shape: MachineShape): string | undefined {
    if (shape.seed !== undefined)
      return `what its guest is told at its first boot (${shape.seed.kind}) is in ${shape.seed.location}, which no manifest names`;
    const size = [shape.memoryBytes, shape.maxMemoryBytes ?? 0].find((bytes) => !Number.isSafeInteger(bytes));
    if (size !== undefined) return `it has ${size} bytes of memory`;
    const lost = shape.interfaces.find(({ network }) => !this.#networks.has(network));
    if (lost !== undefined) return `interface ${lost.name} is on network ${lost.network}, which the host does not have`;
    const directory = shape.container && this.#directories.hindrance(shape.container);
    if (directory !== undefined) return directory;
    const locations = shape.disks.map(({ location }) => location);
    const twice = locations.find((location, at) => locations.indexOf(location) !== at);
    if (twice !== undefined) return `${twice} is two of its disks`;
    const names = [...shape.disks, ...(shape.cdroms ?? [])].map(({ name }) => name);
    const same = names.find((name, at) => names.indexOf(name) !== at);
    if (same !== undefined) return `two of its disks are called ${same}`;
    for (const location of locationsOf(shape)) {
      const found = this.#volumes.get(location);
      if (found === undefined) return `${location} is in no active pool of the host; ${this.#advice.toPool}`;
      if (found.volume.unread !== undefined) return `${location} cannot be read: ${found.volume.unread}`;
      if (isOfOurMaking(found.volume.id.nativeName)) return `${location} is volume ${found.volume.id.nativeName}, which Virtwright made`;
      if (found.volume.base !== undefined)
        return `${location} keeps only what differs from ${found.volume.base}; ${this.#advice.standAlone}`;
      const unfit = makesVolumes(found.pool) ? whyNoVolume(found, this.#formatOf(found)) : undefined;
      if (unfit !== undefined) return `${location}: ${unfit}`;
    }
    const shared = shape.disks.find(({ location }) => this.#writers.has(location));
    return shared && `${shared.location} is a disk of machine ${this.#writers.get(shared.location)}, too`;
  }

  readonly #called = {
    volume: (location: string): string => this.#volumes.get(location)?.name ?? '',
    network: (nativeName: string): string => this.#networks.get(nativeName) ?? '',
  };

  /** By what machines write to, why it is nobody's volume. */
  #users(): ReadonlyMap<string, string> {
    return new Map(
      this.#inventory.machines.flatMap((machine) => {
        const { nativeName, found, configured, live } = machine;
        const shape = found?.shape ?? configured ?? live;
        const because = this.#imported.has(machine) ? 'beside its disks' : 'which is left out';
        return shape === undefined
          ? []
          : writtenBy(shape).map((location) => [location, `machine ${nativeName} has it, ${because}`] as const);
      }),
    );
  }

  /** What is somebody's object already is not handed to another, nor what a machine writes to that is no volume of its own. */
  #takeUnused(found: Found, users: ReadonlyMap<string, string>): void {
    if (this.#wanted.has(found)) return;
    const { nativeName } = found.volume.id;
    const because = isOfOurMaking(nativeName)
      ? 'Virtwright made it'
      : (users.get(found.volume.location) ??
        found.volume.unread ??
        (makesVolumes(found.pool) ? whyNoVolume(found, this.#formatOf(found)) : undefined));
    if (because === undefined) this.#take(found);
    else this.#left.push(`volume ${nativeName} of pool ${found.pool.nativeName}: ${because}`);
  }

  #take(found: Found | undefined): void {
    if (found !== undefined) this.#wanted.add(found);
  }

  /** Of machines that are imported by name, networks that they are on. */
  #isNeeded(network: string): boolean {
    return this.#wish.machines.length === 0 || this.#attached.has(network);
  }

  get #namespaces(): object {
    return { from: 'Selector', selector: { matchLabels: { 'kubernetes.io/metadata.name': this.#wish.namespace } } };
  }

  #headed(kind: string, name: string, adopt?: string): object {
    const { namespace } = this.#wish;
    return {
      apiVersion,
      kind,
      metadata: { name, namespace, ...(adopt === undefined ? {} : { annotations: { [adoptAnnotation]: adopt } }) },
    };
  }

  #hypervisor(uuids: readonly string[]): object {
    const { hypervisor, uri, hasCredentials } = this.#wish;
    const secret = hasCredentials === true ? { credentialsSecretName: hypervisor } : {};
    const adopted = [...this.#wanted].filter(({ pool }) => makesVolumes(pool));
    const { parts, left } = listed({
      networks: [...this.#networks.keys()].filter((name) => this.#isNeeded(name)),
      machines: uuids,
      volumes: adopted.map(({ poolName, volume }) => `${poolName}/${volume.id.nativeName}`),
      hostPaths: this.#directories.paths,
    });
    this.#left.push(...left);
    const grants = parts.map((part, at) => ({
      name: at === 0 ? 'imported' : `imported-${at + 1}`,
      namespaces: this.#namespaces,
      ...(at === 0 && this.#directories.privileged ? { privilegedContainers: true } : {}),
      ...part,
    }));
    return { apiVersion, kind: 'Hypervisor', metadata: { name: hypervisor }, spec: { uri, ...secret, grants } };
  }

  #secretComment(): readonly string[] {
    const { hypervisor, hasCredentials } = this.#wish;
    if (hasCredentials !== true) return [];
    return [
      `Its credentials, from the folder that was given: kubectl create secret generic ${hypervisor} -n virtwright-system --from-file=DIR`,
    ];
  }

  #pools(): readonly object[] {
    const needed = new Set([...this.#wanted].map(({ poolName }) => poolName));
    return [...this.#poolNames]
      .filter(([, name]) => this.#wish.machines.length === 0 || needed.has(name))
      .map(([nativeName, name]) => ({
        ...{ apiVersion, kind: 'StoragePool', metadata: { name } },
        spec: { existing: { name: nativeName }, allowedNamespaces: this.#namespaces },
      }));
  }

  #networkObjects(): readonly object[] {
    return [...this.#networks]
      .filter(([nativeName]) => this.#isNeeded(nativeName))
      .map(([nativeName, name]) => ({
        ...this.#headed('VirtualNetwork', name),
        spec: { existing: { name: nativeName } },
      }));
  }

  #volumeObjects(): readonly object[] {
    return [...this.#wanted].map((found) => this.#volumeObject(found));
  }

  #volumeObject(found: Found): object {
    const { pool, poolName, volume, name } = found;
    const { nativeName } = volume.id;
    const format = this.#formatOf(found);
    const common = { poolRef: { name: poolName }, size: sizeOf(volume.sizeBytes) };
    if (!makesVolumes(pool)) return { ...this.#headed('StorageVolume', name), spec: { ...common, existing: { name: nativeName } } };
    return { ...this.#headed('StorageVolume', name, nativeName), spec: { ...common, format, reclaimPolicy: 'Retain' } };
  }

  #formatOf({ volume }: Found): VolumeFormat {
    return this.#formats.get(volume.location) ?? volume.format ?? 'Raw';
  }
}

const grantsComment = ['A Hypervisor that you have already gets this grant beside its own.'];

const privilegedComment = ['Some of its containers have no users of their own (no idmap): whoever may change them is root on the host.'];
