import { Registry } from 'prom-client';
import t from 'tap';
import type { Hypervisor, StorageVolume, VirtualMachine } from '#crds/types.js';
import { createStore } from '../kubernetes/store.js';
import { createClusterMetrics } from './cluster-metrics.js';
import { followPhases } from './phases.js';

const creationTimestamp = '2030-01-01T00:00:00Z';
let version = 0;

const object = <T>(name: string, status?: object): T =>
  ({
    metadata: { name, namespace: 'shop', uid: `uid-${name}`, resourceVersion: `${++version}`, creationTimestamp },
    ...(status && { status }),
  }) as T;
const ready = (status: string, reason: string, lastTransitionTime = creationTimestamp) => ({
  type: 'Ready',
  status,
  reason,
  lastTransitionTime,
});

function rig() {
  const registry = new Registry();
  const stores = { machines: createStore<VirtualMachine>(), volumes: createStore<StorageVolume>(), hypervisors: createStore<Hypervisor>() };
  const lines = async (of: string) => (await registry.metrics()).split('\n').filter((line) => line.startsWith(`virtwright_${of}{`));
  return { registry, stores, lines };
}

t.test('objects are counted by host and status, and those that are not ready are named', async (t) => {
  const { registry, stores, lines } = rig();
  const leading = new AbortController();
  createClusterMetrics(registry).follow(stores, leading.signal);
  const running = { printableStatus: 'Running', hypervisor: 'kvm1', conditions: [ready('True', 'Running')] };
  stores.machines.set(object('a', running));
  stores.machines.set(object('b', running));
  const stuck = { printableStatus: 'Unschedulable', conditions: [ready('False', 'Unschedulable', '2030-01-01T00:10:00Z')] };
  stores.machines.set(object('c', stuck));
  stores.machines.set(object('d'));
  stores.volumes.set(object('v', { printableStatus: 'Importing', hypervisor: 'kvm1', conditions: [ready('False', 'Importing')] }));
  t.same(await lines('vms'), [
    'virtwright_vms{hypervisor="kvm1",status="Running"} 2',
    'virtwright_vms{hypervisor="",status="Unschedulable"} 1',
    'virtwright_vms{hypervisor="",status="New"} 1',
  ]);
  const since = Date.parse(creationTimestamp) / 1_000;
  t.same(await lines('vm_non_ready_status_last_transition_timestamp_seconds'), [
    `virtwright_vm_non_ready_status_last_transition_timestamp_seconds{namespace="shop",name="c",hypervisor="",reason="Unschedulable"} ${since + 600}`,
    `virtwright_vm_non_ready_status_last_transition_timestamp_seconds{namespace="shop",name="d",hypervisor="",reason="New"} ${since}`,
  ]);
  t.match(await lines('storage_volumes'), ['virtwright_storage_volumes{hypervisor="kvm1",status="Importing"} 1']);
  t.equal((await lines('storage_volume_non_ready_status_last_transition_timestamp_seconds')).length, 1);
  stores.machines.set(object('c', running));
  stores.machines.delete('shop/d');
  t.same(await lines('vms'), ['virtwright_vms{hypervisor="kvm1",status="Running"} 3']);
  t.same(await lines('vm_non_ready_status_last_transition_timestamp_seconds'), []);
  leading.abort();
  t.same(await lines('vms'), [], 'who leads no more tells nothing');
});

t.test('a volume is filled from its first attempt on until it is whole, or is to go', async (t) => {
  const { registry, stores, lines } = rig();
  createClusterMetrics(registry).follow(stores, new AbortController().signal);
  const later = '2030-01-01T00:10:00Z';
  const filling = (name: string, more: object) => object<StorageVolume>(name, { conditions: [ready('False', 'Importing')], import: more });
  stores.volumes.set(object('new'));
  stores.volumes.set(filling('again', { firstStartedAt: creationTimestamp, startedAt: later }));
  stores.volumes.set(filling('older', { startedAt: later }));
  stores.volumes.set(filling('whole', { startedAt: creationTimestamp, completedAt: later }));
  const { metadata, ...going } = filling('going', { startedAt: creationTimestamp });
  stores.volumes.set({ ...going, metadata: { ...metadata, deletionTimestamp: later } });
  const since = Date.parse(creationTimestamp) / 1_000;
  const series = (name: string) =>
    `virtwright_storage_volume_filling_since_timestamp_seconds{namespace="shop",name="${name}",hypervisor="",reason="Importing"}`;
  t.same(await lines('storage_volume_filling_since_timestamp_seconds'), [
    `${series('again')} ${since}`,
    `${series('older')} ${since + 600}`,
  ]);
});

t.test('each condition of a host has one status, and the others are 0', async (t) => {
  const { registry, stores, lines } = rig();
  createClusterMetrics(registry).follow(stores, new AbortController().signal);
  stores.hypervisors.set(object('kvm1', { conditions: [ready('Unknown', 'AgentSilent')], strays: { count: 2 }, orphans: { count: 3 } }));
  stores.hypervisors.set(object('kvm2'));
  t.same(await lines('hypervisor_status_condition'), [
    `virtwright_hypervisor_status_condition{hypervisor="kvm1",condition="Ready",status="True"} 0`,
    `virtwright_hypervisor_status_condition{hypervisor="kvm1",condition="Ready",status="False"} 0`,
    `virtwright_hypervisor_status_condition{hypervisor="kvm1",condition="Ready",status="Unknown"} 1`,
  ]);
  t.same(await lines('hypervisor_strays'), [`virtwright_hypervisor_strays{hypervisor="kvm1"} 2`]);
  t.same(await lines('hypervisor_orphans'), [`virtwright_hypervisor_orphans{hypervisor="kvm1"} 3`]);
});

t.test('a new machine is timed to each of its phases until it is ready, and never again', (t) => {
  const machines = createStore<VirtualMachine>();
  machines.set(object('old', { printableStatus: 'Stopped', conditions: [ready('False', 'Stopped')] }));
  machines.set(object('waiting'));
  let now = Date.parse(creationTimestamp);
  const came: unknown[] = [];
  const end = followPhases(
    machines,
    (phase, seconds) => came.push([phase, seconds]),
    () => now,
  );
  const is = (name: string, printableStatus: string, status = 'False') => {
    now += 1_000;
    machines.set(object(name, { printableStatus, conditions: [ready(status, printableStatus)] }));
  };
  is('old', 'Running', 'True');
  is('waiting', 'Starting');
  is('waiting', 'Starting');
  is('waiting', 'Running', 'True');
  is('waiting', 'Stopped');
  machines.set(object('later'));
  is('later', 'Provisioning');
  machines.delete('shop/later');
  end();
  machines.set(object('unheard'));
  is('unheard', 'Running', 'True');
  t.same(came, [
    ['Starting', 2],
    ['Running', 4],
    ['Provisioning', 6],
  ]);
  t.end();
});

t.test('what others changed is counted while it is so, by what becomes of it', async (t) => {
  const { registry, stores, lines } = rig();
  const leading = new AbortController();
  createClusterMetrics(registry).follow(stores, leading.signal);
  const drift = [
    { treatment: 'Observe', state: 'Present' },
    { treatment: 'Observe', state: 'Present' },
    { treatment: 'Enforce', state: 'PutBack' },
  ];
  stores.machines.set(object('a', { drift }));
  t.same(await lines('drifted_fields'), [
    'virtwright_drifted_fields{kind="VirtualMachine",treatment="Enforce"} 0',
    'virtwright_drifted_fields{kind="VirtualMachine",treatment="Observe"} 2',
    'virtwright_drifted_fields{kind="VirtualMachine",treatment="Accept"} 0',
  ]);
  leading.abort();
});
