import type {
  Hypervisor,
  StoragePool,
  StoragePoolInstance,
  StorageVolume,
  StorageVolumeStatusImport,
  VirtualMachine,
  VirtualMachineAction,
  VirtualNetwork,
  VirtualNetworkInstance,
} from '#crds/types.js';
import type { Indexes, ReadonlyStore } from './kubernetes/store.js';

/** What is known of the API, by key and by index. An agent's holds only its own hosts' objects. */
export interface Stores {
  readonly hypervisors: ReadonlyStore<Hypervisor>;
  readonly machines: ReadonlyStore<VirtualMachine, 'volume' | 'network' | 'macAddress' | 'uid' | 'uuid' | 'nativeName'>;
  readonly actions: ReadonlyStore<VirtualMachineAction, 'machine'>;
  readonly pools: ReadonlyStore<StoragePool>;
  readonly instances: ReadonlyStore<StoragePoolInstance, 'pool'>;
  readonly networks: ReadonlyStore<VirtualNetwork>;
  readonly networkInstances: ReadonlyStore<VirtualNetworkInstance, 'network'>;
  readonly volumes: ReadonlyStore<StorageVolume, 'instance' | 'claim' | 'source'>;
}

const inNamespaceOf = ({ metadata }: { readonly metadata: { readonly namespace: string } }, name: string): string =>
  `${metadata.namespace}/${name}`;

export type Disk = NonNullable<VirtualMachine['spec']['disks']>[number];

/** The StorageVolume that is this disk of this machine: the one that it names, or the one that is made from its template. */
export const volumeOfDisk = (
  { metadata }: Pick<VirtualMachine, 'metadata'>,
  { name, volumeRef }: Pick<Disk, 'name' | 'volumeRef'>,
): string => volumeRef?.name ?? `${metadata.name}-${name}`;

/** The volumes that a machine needs: its disks, or a container's directories, first, then what it only reads. */
export function volumesOf(machine: VirtualMachine): { readonly disks: readonly string[]; readonly readOnly: readonly string[] } {
  const { disks = [], boot, container } = machine.spec;
  const kernel = boot?.kernel;
  const discs = disks.map(({ cdrom }) => cdrom?.volumeRef?.name);
  return {
    disks: [
      ...disks.filter(({ cdrom }) => cdrom === undefined).map((disk) => volumeOfDisk(machine, disk)),
      ...(container === undefined
        ? []
        : [...(container.rootVolumeRef === undefined ? [] : [container.rootVolumeRef.name]), ...mountedBy(container, 'ReadWrite')]),
    ],
    readOnly: [kernel?.volumeRef.name, kernel?.initrdVolumeRef?.name, ...discs, ...mountedBy(container, 'ReadOnly')].filter(
      (name) => name !== undefined,
    ),
  };
}

const mountedBy = (container: VirtualMachine['spec']['container'], access: 'ReadWrite' | 'ReadOnly'): readonly string[] =>
  (container?.mounts ?? []).filter((mount) => mount.access === access).flatMap(({ volumeRef }) => volumeRef?.name ?? []);

/** By its name, and by the template of another disk. */
export const isTwice = (name: string, disks: readonly string[]): boolean => disks.filter((one) => one === name).length > 1;

/** The networks that a machine is attached to. */
export const networksOf = ({ spec }: VirtualMachine): readonly string[] => [
  ...new Set((spec.interfaces ?? []).map(({ networkRef }) => networkRef.name)),
];

/** The interfaces whose MAC address is known: it was asked for, or the host chose it. */
export const macAddressesOf = ({
  spec,
  status,
}: VirtualMachine): readonly { readonly name: string; readonly network: string; readonly macAddress: string }[] =>
  (spec.interfaces ?? []).flatMap(({ name, networkRef, macAddress }) => {
    const known = macAddress ?? status?.interfaces?.find((one) => one.name === name)?.macAddress;
    return known === undefined ? [] : [{ name, network: networkRef.name, macAddress: known }];
  });

/** The MAC addresses that it has, whatever it asks for by now: it was given them, or was made with them. */
export const heldAddressesOf = ({ spec, status }: VirtualMachine): readonly { readonly network: string; readonly macAddress: string }[] => [
  ...(status?.macAddressClaims ?? []).filter(({ heldBy }) => heldBy === undefined),
  ...(status?.interfaces ?? []).flatMap(({ name, macAddress }) => {
    const network = spec.interfaces?.find((one) => one.name === name)?.networkRef.name;
    return network === undefined || macAddress === undefined ? [] : [{ network, macAddress }];
  }),
];

/** The volumes that need this one: those that are being copied from it, unless that failed, and its linked clones for as long as they are there. */
export const clonesOf = (
  { metadata }: Pick<StorageVolume, 'metadata'>,
  volumes: ReadonlyStore<StorageVolume, 'source'>,
): readonly StorageVolume[] =>
  volumes
    .byIndex('source', `${metadata.namespace}/${metadata.name}`)
    .filter(({ spec, status }) => isLinked(spec) || isBeingCopied(status?.import))
    .filter(({ status }) => status?.hypervisor !== undefined);

const isBeingCopied = (record: StorageVolumeStatusImport | undefined): boolean =>
  record?.startedAt !== undefined && record.completedAt === undefined && record.retryAt === undefined;

export const isLinked = ({ source }: StorageVolume['spec']): boolean => source?.clone === 'Linked';

/** With which the native names of volumes end. */
export const shortUidLength = 8;

export const indexes = {
  hypervisors: {
    credentials: ({ spec }) => (spec.credentialsSecretName === undefined ? [] : [spec.credentialsSecretName]),
  } satisfies Indexes<Hypervisor>,
  machines: {
    volume: (machine) => {
      const { disks, readOnly } = volumesOf(machine);
      return [...disks, ...readOnly].map((name) => inNamespaceOf(machine, name));
    },
    network: (machine) => networksOf(machine).map((name) => inNamespaceOf(machine, name)),
    macAddress: (machine) => [...new Set([...macAddressesOf(machine), ...heldAddressesOf(machine)].map(({ macAddress }) => macAddress))],
    uid: ({ metadata }) => [metadata.uid],
    uuid: ({ metadata, spec, status }) => [status?.uuid ?? spec.uuid ?? metadata.uid],
    nativeName: ({ status }) => (status?.nativeName === undefined ? [] : [status.nativeName]),
  } satisfies Indexes<VirtualMachine>,
  actions: { machine: (action) => [inNamespaceOf(action, action.spec.machineRef.name)] } satisfies Indexes<VirtualMachineAction>,
  instances: { pool: ({ spec }) => [spec.poolRef.name] } satisfies Indexes<StoragePoolInstance>,
  networkInstances: {
    network: (instance) => [inNamespaceOf(instance, instance.spec.networkRef.name)],
  } satisfies Indexes<VirtualNetworkInstance>,
  volumes: {
    instance: ({ status }) => (status?.pool === undefined ? [] : [status.pool]),
    source: (volume) => {
      const name = volume.spec.source?.volumeRef?.name;
      return name === undefined ? [] : [inNamespaceOf(volume, name)];
    },
    claim: ({ status }) => (status?.claim === undefined ? [] : [status.claim.uid]),
    nativeName: ({ spec, status }) => [status?.nativeName ?? spec.existing?.name].filter((name) => name !== undefined),
    shortUid: ({ metadata }) => [metadata.uid.slice(0, shortUidLength)],
    owner: ({ metadata }) => (metadata.ownerReferences ?? []).map(({ uid }) => uid),
  } satisfies Indexes<StorageVolume>,
} as const;
