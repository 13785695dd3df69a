import type { StorageVolume, VirtualMachine, VirtualMachineAction } from '#crds/types.js';
import type { ContainerShape, KernelBoot, MachineCdrom, MachineDisk, MachineInterface, MachineShape } from '#drivers/driver.js';
import { adopting, isReleased, isToBeAdopted, mayForget, unsaidOf } from '../adoption.js';
import { isReady, notReady } from '../conditions.js';
import { keepsItsPassword } from '../guest-secrets.js';
import { type HostScope, nativeName, takeOverOf } from '../host/scope.js';
import type { Resolution } from '../reconcile.js';
import { clonesOf, type Disk, isLinked, isTwice, type Stores, volumeOfDisk, volumesOf } from '../stores.js';
import { ungrantedToContainer } from './container-grants.js';
import type { DesiredMachine } from './desired.js';
import { resolveGraphics } from './graphics.js';
import { cdromHardware, containerHardware, diskHardware, plainHardware } from './hardware.js';
import { type NetworkStores, resolveInterfaces } from './interfaces.js';
import type { RequestedAction } from './plan-action.js';
import { resolveSeed, type SecretValues, serialLog } from './seed.js';
import { ungrantedShares } from './ungranted.js';

export type MachineStores = Pick<Stores, 'volumes' | 'actions' | 'instances'> & NetworkStores & { readonly secretValues: SecretValues };

/** What the manifest asks for, its references followed; or which volumes and networks are not there, not ready or not this machine's. */
export function resolveMachine(machine: VirtualMachine, host: HostScope, stores: MachineStores): Resolution<DesiredMachine> {
  const { metadata, spec, status } = machine;
  const absent = metadata.deletionTimestamp !== undefined;
  const volumes = new VolumeLookup(machine, host, stores);
  const networks = resolveInterfaces(machine, host, stores);
  const { graphics, missing: missingPassword } = absent ? {} : resolveGraphics(machine, stores.secretValues);
  const shape = absent ? emptyShape : machineShape(machine, volumes, networks.interfaces);
  const ungranted = absent ? [] : ungrantedToContainer(machine, host.hypervisor, stores.namespaces);
  const shares = absent ? undefined : ungrantedShares(machine, host.hypervisor, stores.namespaces);
  const action = absent ? undefined : pendingAction(machine, stores);
  const takeOver = takeOverOf(machine, host);
  const doomed = absent && isReleased(machine) ? doomedDisks(machine) : undefined;
  const { seed, store: seedStore, missing: missingSeed, refused: refusedSeed, byDefault } = resolveSeed(machine, host, stores);
  const log = serialLog(machine, seedStore, host);
  return {
    kind: 'desired',
    desired: {
      want: absent ? 'absent' : status?.evacuation?.requestedAt === undefined ? 'present' : 'away',
      host: host.name,
      owner: { cluster: host.cluster, namespace: metadata.namespace, name: metadata.name, uid: metadata.uid },
      definition: {
        ...shape,
        ...(log === undefined ? {} : { serialLog: log }),
        ...(graphics === undefined ? {} : { graphics }),
        uuid: status?.uuid ?? spec.uuid ?? metadata.uid,
        nativeName: status?.nativeName ?? nativeName(host, metadata.namespace, metadata.name),
      },
      ...(spec.uuid === undefined ? {} : { givesUuid: true }),
      runStrategy: spec.runStrategy,
      stop: { mode: spec.stop.mode, timeoutMs: spec.stop.timeoutSeconds * 1_000 },
      keepState: keepsState(machine, stores),
      ...(spec.updatePolicy?.allow === undefined ? {} : { allow: spec.updatePolicy.allow }),
      ...driftWish(spec),
      capabilities: host.capabilities,
      ...(volumes.missing.length === 0 ? {} : { missing: volumes.missing }),
      ...(networks.missing.length === 0 ? {} : { missingNetworks: networks.missing }),
      ...(ungranted.length === 0 ? {} : { ungranted }),
      ...(shares === undefined ? {} : { ungrantedShares: shares }),
      ...(networks.byDefault ? { networkByDefault: true } : {}),
      ...(networks.revoked.length === 0 ? {} : { revoked: networks.revoked }),
      ...(seed === undefined ? {} : { seed }),
      ...(seedStore === undefined ? {} : { seedStore }),
      ...(missingSeed.length === 0 ? {} : { missingSeed }),
      ...(missingPassword === undefined ? {} : { missingPassword }),
      ...(refusedSeed === undefined ? {} : { refusedSeed }),
      ...(byDefault ? { seedByDefault: true } : {}),
      ...(networks.duplicates.length === 0 ? {} : { duplicates: networks.duplicates }),
      ...(action === undefined ? {} : { action }),
      ...(takeOver === undefined ? {} : { takeOver }),
      ...adoption(machine, host, stores),
      ...(doomed === undefined ? {} : { release: true, doomed }),
    },
  };
}

function driftWish({ driftPolicy = 'Enforce', driftRules: rules = [] }: VirtualMachine['spec']): Pick<DesiredMachine, 'drift'> {
  return driftPolicy === 'Enforce' && rules.length === 0 ? {} : { drift: { policy: driftPolicy, rules } };
}

type AdoptionAsked = Pick<DesiredMachine, 'adopt' | 'adoptedWith' | 'forgets' | 'keepsPassword'>;

function adoption(machine: VirtualMachine, host: HostScope, { namespaces }: MachineStores): AdoptionAsked {
  const { metadata, spec, status } = machine;
  const isToBeTaken = isToBeAdopted(machine);
  const unsaid = unsaidOf(machine);
  // Who may leave one to itself on the host is who may take one there.
  const isLeft = isReleased(machine) && metadata.deletionTimestamp !== undefined;
  const kept = {
    ...(mayForget(machine) ? { forgets: true as const } : {}),
    ...(unsaid === undefined ? {} : { adoptedWith: unsaid }),
    ...(keepsItsPassword(machine) && status?.adopted === true ? { keepsPassword: true as const } : {}),
  };
  if (!isToBeTaken && !isLeft) return kept;
  return { ...kept, adopt: adopting('machines', [status?.uuid ?? spec.uuid ?? metadata.uid], metadata.namespace, host, namespaces) };
}

/** Their volumes go with the object. */
export const doomedDisks = ({ spec }: VirtualMachine): readonly string[] =>
  (spec.disks ?? []).flatMap(({ name, volumeTemplate }) => (volumeTemplate?.whenDeleted === 'Delete' ? [name] : []));

/** Firmware's and TPM's belongs to the system on the first disk. Of a volume whose object is gone before it nobody knows: nothing is lost then. */
export function keepsState(machine: VirtualMachine, { volumes }: { readonly volumes: Pick<Stores['volumes'], 'get'> }): boolean {
  const [root] = machine.spec.disks ?? [];
  if (root === undefined) return false;
  const volume = volumes.get(`${machine.metadata.namespace}/${volumeOfDisk(machine, root)}`);
  return (root.volumeTemplate?.whenDeleted ?? volume?.spec.reclaimPolicy ?? 'Retain') === 'Retain';
}

const emptyShape: MachineShape = { cpuCount: 1, memoryBytes: 0, disks: [], interfaces: [], serial: false, rng: false };

function machineShape(machine: VirtualMachine, volumes: VolumeLookup, interfaces: readonly MachineInterface[]): MachineShape {
  const { spec } = machine;
  const drives = spec.disks ?? [];
  const disks: MachineDisk[] = drives.flatMap((disk) => {
    const volume = disk.cdrom === undefined ? volumes.claimed(volumeOfDisk(machine, disk)) : undefined;
    return volume === undefined ? [] : [{ ...diskHardware(disk), ...volume }];
  });
  const cdroms = drives.filter(({ cdrom }) => cdrom !== undefined).flatMap((disk) => cdrom(disk, volumes) ?? []);
  const boot = kernelBoot(spec.boot?.kernel, volumes);
  const container = containerShape(spec.container, volumes);
  return {
    ...plainHardware(spec),
    disks,
    ...(cdroms.length === 0 ? {} : { cdroms }),
    interfaces,
    ...(boot === undefined ? {} : { boot }),
    ...(container === undefined ? {} : { container }),
  };
}

/** A drive whose disc cannot be had is not changed before it can. */
function cdrom(disk: Disk, volumes: VolumeLookup): MachineCdrom | undefined {
  const disc = disk.cdrom?.volumeRef;
  if (disc === undefined) return cdromHardware(disk);
  const location = volumes.disc(disc.name);
  return location === undefined ? undefined : { ...cdromHardware(disk), location };
}

/** Without one of its directories it is not defined: its definition would be of another container. */
function containerShape(asked: VirtualMachine['spec']['container'], volumes: VolumeLookup): ContainerShape | undefined {
  if (asked === undefined) return undefined;
  const { mounts: shaped = [], ...hardware } = containerHardware(asked);
  const located = (path: string | undefined, name: string | undefined, access: 'ReadOnly' | 'ReadWrite') =>
    path ?? (name === undefined ? undefined : volumes.directory(name, access));
  const root = located(asked.rootHostPath, asked.rootVolumeRef?.name, 'ReadWrite');
  const mounts = (asked.mounts ?? []).flatMap(({ volumeRef, hostPath, access }, at) => {
    const location = located(hostPath, volumeRef?.name, access);
    const mount = shaped[at];
    return location === undefined || mount === undefined ? [] : [{ ...mount, location }];
  });
  return root === undefined ? undefined : { ...hardware, root, ...(mounts.length === 0 ? {} : { mounts }) };
}

type KernelSpec = NonNullable<VirtualMachine['spec']['boot']>['kernel'];

function kernelBoot(asked: KernelSpec, volumes: VolumeLookup): KernelBoot | undefined {
  if (asked === undefined) return undefined;
  const { volumeRef, initrdVolumeRef, commandLine } = asked;
  const kernel = volumes.file(volumeRef.name);
  const initrd = initrdVolumeRef === undefined ? undefined : volumes.file(initrdVolumeRef.name);
  if (kernel === undefined) return undefined;
  return { kernel, ...(initrd === undefined ? {} : { initrd }), ...(commandLine === undefined ? {} : { commandLine }) };
}

/** Finds volumes by name and keeps a list of what is wrong with those that cannot be used. */
class VolumeLookup {
  readonly missing: string[] = [];
  readonly #machine: VirtualMachine;
  readonly #host: HostScope;
  readonly #stores: Pick<Stores, 'volumes'>;

  constructor(machine: VirtualMachine, host: HostScope, stores: Pick<Stores, 'volumes'>) {
    this.#machine = machine;
    this.#host = host;
    this.#stores = stores;
  }

  /** A volume that this machine alone may write to. */
  claimed(name: string): Pick<MachineDisk, 'location' | 'format'> | undefined {
    const found = this.readable(name);
    if (found === undefined) return undefined;
    if (isTwice(name, volumesOf(this.#machine).disks)) {
      this.missing.push(`volume "${name}": two disks name it`);
      return undefined;
    }
    const volume = this.#volume(name);
    const [clone] = volume === undefined ? [] : clonesOf(volume, this.#stores.volumes);
    if (clone !== undefined) {
      this.missing.push(`volume "${name}": ${whyReserved(clone)}`);
      return undefined;
    }
    const claim = volume?.status?.claim;
    if (claim?.uid === this.#machine.metadata.uid) return found;
    this.missing.push(
      claim === undefined ? `volume "${name}": not claimed for this machine yet` : `volume "${name}": in use by machine "${claim.machine}"`,
    );
    return undefined;
  }

  /** What can lie in a CD-ROM drive. */
  disc(name: string): string | undefined {
    const found = this.readable(name);
    if (found === undefined || found.format === 'Raw') return found?.location;
    this.missing.push(`volume "${name}": it has format ${found.format}, and a disc has format Raw; make the volume with source.format Raw`);
    return undefined;
  }

  /** What can be read from its first byte on. */
  file(name: string): string | undefined {
    const found = this.readable(name);
    if (found === undefined || found.format !== 'Directory') return found?.location;
    this.missing.push(`volume "${name}": it has format Directory, and a kernel is a file; make the volume with source.format Raw`);
    return undefined;
  }

  /** What a container can have as its root, or within it. */
  directory(name: string, access: 'ReadOnly' | 'ReadWrite'): string | undefined {
    const found = access === 'ReadOnly' ? this.readable(name) : this.claimed(name);
    if (found === undefined || found.format === 'Directory') return found?.location;
    this.missing.push(
      `volume "${name}": it has format ${found.format}, and a container has directories; make the volume with format Directory`,
    );
    return undefined;
  }

  readable(name: string): Pick<MachineDisk, 'location' | 'format'> | undefined {
    const volume = this.#volume(name);
    const location = volume?.status?.location;
    // A volume that was made before status told it has it in its spec.
    const format = volume?.status?.format ?? volume?.spec.format;
    if (volume !== undefined && location !== undefined && format !== undefined && isReady(volume)) return { location, format };
    this.missing.push(this.#whatIsMissing(name, volume));
    return undefined;
  }

  #volume(name: string): StorageVolume | undefined {
    return this.#stores.volumes.get(`${this.#machine.metadata.namespace}/${name}`);
  }

  #whatIsMissing(name: string, volume: StorageVolume | undefined): string {
    if (volume === undefined) return `volume "${name}": not on ${this.#host.name} yet; see what StorageVolume "${name}" says`;
    return `volume "${name}": ${notReady(volume)}`;
  }
}

const whyReserved = ({ metadata: { name }, spec }: StorageVolume): string =>
  isLinked(spec) ? `volume "${name}" is a linked clone of it, so no machine may write to it` : `it is being copied to volume "${name}"`;

/** The oldest action on this machine that is not finished: one at a time, in order. */
function pendingAction({ metadata }: VirtualMachine, { actions }: Pick<Stores, 'actions'>): RequestedAction | undefined {
  const open = actions
    .byIndex('machine', `${metadata.namespace}/${metadata.name}`)
    .filter(({ status, metadata: { deletionTimestamp } }) => status?.outcome === undefined && deletionTimestamp === undefined);
  const [oldest] = [...open].sort(byAge);
  if (oldest === undefined) return undefined;
  const { verb, mode } = oldest.spec;
  return { uid: oldest.metadata.uid, verb, ...(mode === undefined ? {} : { mode }) };
}

const byAge = ({ metadata: a }: VirtualMachineAction, { metadata: b }: VirtualMachineAction): number =>
  a.creationTimestamp.localeCompare(b.creationTimestamp) || a.name.localeCompare(b.name);
