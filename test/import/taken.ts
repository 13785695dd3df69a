import { posix } from 'node:path';
import { manifestsOf } from '#controllers/import/manifests.js';
import { createStore } from '#controllers/kubernetes/store.js';
import type { Namespace } from '#controllers/namespaces.js';
import { indexes } from '#controllers/stores.js';
import { planMachine } from '#controllers/virtual-machine/plan.js';
import { resolveMachine } from '#controllers/virtual-machine/resolve.js';
import { decode } from '#crds/decode.js';
import type { Kinds, StorageVolume, VirtualMachine, VirtualNetwork, VirtualNetworkInstance } from '#crds/types.js';
import type { Machine, MachineShape, Network, NetworkId, Pool, PoolId, Volume } from '#drivers/driver.js';

/** What is planned for a machine that others made, once what import writes for it is applied; or why import writes nothing. */
export type Taken =
  | { readonly kind: 'left'; readonly because: string }
  | { readonly kind: 'taken'; readonly first: Steps; readonly next: Steps; readonly manifest: VirtualMachine };
type Steps = readonly string[];

type Written = { readonly kind: keyof Kinds; readonly metadata: { readonly name: string }; readonly spec: Record<string, unknown> };

const now = Date.UTC(2026, 0);
const ready = [{ type: 'Ready', status: 'True', reason: 'Ready', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }];
const namespace = 'default';

/** A host of which each file is a volume, and each network is there. */
export function take(machine: Machine): Taken {
  const { found } = machine;
  if (found === undefined) throw new Error(`${machine.nativeName}: nothing was found`);
  const volumes = volumesFor(found.shape);
  const inventory = {
    pools: volumes.map(({ pool, volume }) => ({ pool, volumes: [volume] })),
    networks: [...new Set(found.shape.interfaces.map(({ network }) => network))].map(networkOf),
    machines: [machine],
    unread: [],
  };
  const { files, left } = manifestsOf(inventory, { hypervisor: 'one', uri: 'qemu:///system', namespace, machines: [machine.uuid] });
  const objects = files.flatMap(({ objects }) => objects as readonly Written[]).map(decoded);
  const of = <K extends keyof Kinds>(kind: K) => objects.filter((one) => one.kind === kind) as unknown as readonly Kinds[K][];
  const [manifest] = of('VirtualMachine');
  if (manifest === undefined) return { kind: 'left', because: left.join('; ') };
  const [hypervisor] = of('Hypervisor');
  const desired = resolved(
    claimed(manifest),
    hypervisor,
    of('StorageVolume').map(whole(inventory.pools)),
    of('VirtualNetwork'),
    inventory.networks,
  );
  const adopted = planMachine(desired, { stranger: machine, record: {} }, now);
  const [adopt] = adopted;
  const mark = adopt?.kind === 'act' && adopt.action.kind === 'adopt' ? adopt.action.mark : undefined;
  const { found: _, ...rest } = machine;
  const ours = { ...rest, configured: found.shape, ...(mark === undefined ? {} : { mark }) };
  const { adopt: __, ...after } = desired;
  return { kind: 'taken', manifest, first: told(adopted), next: told(planMachine(after, { machine: ours, record: {} }, now)) };
}

/** What is noted when it is seen for the first time is no change. */
const told = (plan: ReturnType<typeof planMachine>): Steps =>
  plan
    .filter((one) => one.kind !== 'act' || one.action.kind !== 'note')
    .map((one) => (one.kind === 'act' ? one.action.kind : `${one.reason}: ${one.because}`));

const decoded = (written: Written) =>
  decode(written.kind, {
    ...structuredClone(written),
    metadata: {
      ...written.metadata,
      uid: `uid-${written.metadata.name}`,
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
  });

function claimed(machine: VirtualMachine): VirtualMachine {
  const macAddressClaims = (machine.spec.interfaces ?? []).flatMap(({ name, networkRef, macAddress }) =>
    macAddress === undefined ? [] : [{ name, network: networkRef.name, macAddress }],
  );
  return { ...machine, status: { macAddressClaims } };
}

/** As their agent has adopted them, and this machine claimed them. */
const whole =
  (pools: readonly { readonly volumes: readonly Volume[] }[]) =>
  (volume: StorageVolume): StorageVolume => {
    const nativeName = volume.spec.existing?.name ?? volume.metadata.annotations?.['virtwright.io/adopt'];
    const location = pools.flatMap(({ volumes }) => volumes).find(({ id }) => id.nativeName === nativeName)?.location ?? '';
    const status = { conditions: ready, location, ...(volume.spec.format === undefined ? {} : { format: volume.spec.format }) };
    return { ...volume, status } as StorageVolume;
  };

function resolved(
  machine: VirtualMachine,
  hypervisor: Kinds['Hypervisor'] | undefined,
  volumes: readonly StorageVolume[],
  networks: readonly VirtualNetwork[],
  native: readonly Network[],
) {
  const namespaces = createStore<Namespace>();
  namespaces.set({
    metadata: { name: namespace, uid: 'n', labels: { 'kubernetes.io/metadata.name': namespace }, resourceVersion: '1' },
  } as never);
  const stores = {
    namespaces,
    actions: createStore({ indexes: indexes.actions }),
    instances: createStore({ indexes: indexes.instances }),
    volumes: createStore({ indexes: indexes.volumes }),
    networks: createStore<VirtualNetwork>(),
    networkInstances: createStore({ indexes: indexes.networkInstances }),
    secretValues: () => ({ kind: 'missing' as const, because: 'there is none' }),
  };
  const claim = { uid: machine.metadata.uid, machine: machine.metadata.name };
  for (const volume of volumes) stores.volumes.set({ ...volume, status: { ...volume.status, claim } } as StorageVolume);
  for (const network of networks) {
    stores.networks.set(network);
    const nativeName = native.find((one) => one.nativeName === network.spec.existing?.name)?.nativeName;
    const metadata = { ...network.metadata, name: `${network.metadata.name}.one` };
    const spec = { networkRef: { name: network.metadata.name }, hypervisor: 'one' };
    stores.networkInstances.set({ metadata, spec, status: { conditions: ready, nativeName } } as unknown as VirtualNetworkInstance);
  }
  const resolution = resolveMachine(machine, { name: 'one', cluster: 'here', hypervisor, capabilities: [] }, stores as never);
  if (resolution.kind !== 'desired') throw new Error('a machine resolves to what is desired');
  return resolution.desired;
}

function volumesFor({ disks, cdroms = [], boot }: MachineShape): readonly { readonly pool: Pool; readonly volume: Volume }[] {
  const discs = cdroms.flatMap(({ location }) => location ?? []);
  const raw = [...discs, boot?.kernel, boot?.initrd].flatMap((location) =>
    location === undefined ? [] : [{ location, format: 'Raw' as const }],
  );
  const all = new Map([...raw, ...disks].map(({ location, format }) => [location, format]));
  return [...all].map(([location, format], at) => {
    const id = `p${at}` as PoolId;
    const nativeName = `${at}-${posix.basename(location)}`;
    const [capacityBytes, allocationBytes, availableBytes] = [2 ** 40, 0, 2 ** 40];
    return {
      pool: {
        id,
        uuid: id,
        nativeName: id,
        active: true,
        formats: ['Qcow2', 'Raw'],
        can: ['create', 'delete'],
        capacityBytes,
        allocationBytes,
        availableBytes,
      },
      volume: { id: { pool: id, nativeName }, location, format, sizeBytes: 2 ** 30, allocationBytes: 0 },
    };
  });
}

const networkOf = (nativeName: string): Network => ({ id: nativeName as NetworkId, nativeName, active: true });
