import { setTimeout as sleep } from 'node:timers/promises';
import { Registry } from 'prom-client';
import t from 'tap';
import type { StoragePoolInstance, VirtualMachine, VirtualNetwork, VirtualNetworkInstance } from '#crds/types.js';
import type { OwnerMark } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { Behind } from '#drivers/fake/behind.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { createDriverMetrics } from '../driver-metrics.js';
import { HostView } from '../host/view.js';
import { createStore } from '../kubernetes/store.js';
import { createHostMetrics } from './host-metrics.js';

const creationTimestamp = '2030-01-01T00:00:00Z';
const uuidOf = (number: number) => `00000000-0000-4000-8000-00000000000${number}`;

/** A host in memory that is told of, with its objects; its driver is counted, as an agent's is. */
async function rig(test: Pick<typeof t, 'teardown'>, patienceMs?: number) {
  const registry = new Registry();
  const fake = new FakeHost();
  const life = new AbortController();
  test.teardown(() => life.abort());
  const stores = {
    machines: createStore<VirtualMachine>(),
    instances: createStore<StoragePoolInstance>(),
    networks: createStore<VirtualNetwork>(),
    networkInstances: createStore<VirtualNetworkInstance>(),
  };
  const connect = createDriverMetrics(new Registry()).metered(async () => fakeDriver(fake), 'kvm1');
  const driver = await connect({ uri: 'fake:///kvm1' }, life.signal);
  const view = new HostView(driver, () => {}, life.signal);
  const host = { name: 'kvm1', cluster: 'here', connected: { driver, view } as { driver: typeof driver; view: HostView } | undefined };
  const troubles: string[] = [];
  createHostMetrics(registry, patienceMs).follow(host, stores, (message) => troubles.push(message), life.signal);
  let made = 0;
  const make = async (name: string, change: Partial<OwnerMark> = {}) => {
    const owner = { cluster: 'here', namespace: 'shop', name, uid: `uid-${name}`, ...change };
    const shape = {
      cpuCount: 1,
      memoryBytes: 2 ** 30,
      disks: [],
      interfaces: [{ name: 'lan', network: 'net' }],
      serial: false,
      rng: false,
    };
    const cdroms = [{ name: 'drive' }];
    fake.setNetwork({ nativeName: 'net', active: true });
    const definition = { ...shape, cdroms, uuid: uuidOf(++made), nativeName: `${owner.namespace}.${name}` };
    const id = await driver.machines.define(definition, { owner, record: '' }, life.signal);
    await driver.power.start(id, { paused: false }, life.signal);
    view.gap();
    await view.refreshAll(life.signal);
    return id;
  };
  const declare = (name: string, conditions: readonly { readonly type: string; readonly status: string }[] = []) =>
    stores.machines.set({
      metadata: { name, namespace: 'shop', uid: `uid-${name}`, resourceVersion: '1', creationTimestamp },
      status: { conditions },
    } as unknown as VirtualMachine);
  const lines = async (of: string) =>
    (await registry.metrics()).split('\n').filter((line) => line.startsWith(`virtwright_${of}{`) || line.startsWith(`virtwright_${of} `));
  return { fake, host, stores, make, declare, lines, troubles, life, registry, view };
}

t.test('machines are told of by their objects, and what is a stranger’s or gone is not', async (t) => {
  const { fake, make, declare, lines, stores } = await rig(t);
  await make('web');
  await make('restored', { uid: 'of-another' });
  await make('elsewhere', { cluster: 'another' });
  for (const name of ['web', 'restored', 'elsewhere']) declare(name);
  fake.clock.advance(7_000);
  const labels = 'namespace="shop",name="web",hypervisor="kvm1"';
  t.same(await lines('vm_cpu_usage_seconds_total'), [`virtwright_vm_cpu_usage_seconds_total{${labels}} 7`]);
  t.same(await lines('vm_memory_resident_bytes'), [`virtwright_vm_memory_resident_bytes{${labels}} ${2 ** 30}`]);
  t.same(await lines('vm_storage_iops_read_total'), [`virtwright_vm_storage_iops_read_total{${labels},drive="drive"} 7`]);
  t.same(await lines('vm_network_receive_bytes_total'), [`virtwright_vm_network_receive_bytes_total{${labels},interface="lan"} 10500`]);
  t.same(await lines('host_scrape_success'), ['virtwright_host_scrape_success{hypervisor="kvm1"} 1']);
  stores.machines.delete('shop/web');
  t.same(await lines('vm_cpu_usage_seconds_total'), []);
});

t.test('scrapes at the same time ask the host once, and the next one again', async (t) => {
  const { fake, make, declare, registry } = await rig(t);
  await make('web');
  declare('web');
  const asked = () => fake.calls.filter((call) => call === 'stats.read').length;
  const texts = await Promise.all([registry.metrics(), registry.metrics(), registry.metrics()]);
  t.same([new Set(texts).size, asked()], [1, 1]);
  t.match(texts[0], /virtwright_vm_vcpu_wait_seconds_total\{.*\} 0\n/);
  await registry.metrics();
  t.equal(asked(), 2);
});

t.test('a host that hangs, fails or is not reached is told of as such, and keeps nobody waiting', async (t) => {
  const { fake, host, make, declare, lines, troubles } = await rig(t, 20);
  await make('web');
  declare('web');
  const succeeded = async () => (await lines('host_scrape_success')).map((line) => line.slice(-1)).join();
  fake.faults.slow('stats.read', 60_000);
  t.equal(await succeeded(), '0');
  t.same(await lines('vm_cpu_usage_seconds_total'), []);
  const asked = () => fake.calls.filter((call) => call === 'stats.read').length;
  t.equal(asked(), 1, 'what hangs is not asked again meanwhile');
  fake.faults.slow('stats.read', 0);
  fake.clock.advance(60_000);
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(await succeeded(), '1');
  fake.faults.fail('stats.read', new DriverError('Unavailable', 'it broke'));
  t.equal(await succeeded(), '0');
  t.same(troubles, ['measuring the machines of host kvm1']);
  const { connected } = host;
  host.connected = undefined;
  t.equal(await succeeded(), '0');
  host.connected = connected;
  t.equal(await succeeded(), '1');
});

t.test('a host that is given up is told of no more', async (t) => {
  const { lines, life } = await rig(t);
  t.equal((await lines('host_scrape_success')).length, 1);
  life.abort();
  t.same(await lines('host_scrape_success'), []);
});

t.test('pools are told of by their instances, and guests by what their agents say', async (t) => {
  const { fake, stores, declare, lines, view, life } = await rig(t);
  const instance = (name: string, status?: object) =>
    stores.instances.set({
      metadata: { name, uid: name, resourceVersion: '1', creationTimestamp },
      spec: { poolRef: { name }, hypervisor: 'kvm1' },
      ...(status && { status }),
    } as unknown as StoragePoolInstance);
  instance('fast', { capacity: '10Gi', available: '1.5Gi' });
  instance('new');
  instance('odd', { capacity: 'much', available: '-1' });
  t.same(await lines('storage_pool_capacity_bytes'), [
    `virtwright_storage_pool_capacity_bytes{pool="fast",hypervisor="kvm1"} ${10 * 2 ** 30}`,
  ]);
  t.same(await lines('storage_pool_available_bytes'), [
    `virtwright_storage_pool_available_bytes{pool="fast",hypervisor="kvm1"} ${1.5 * 2 ** 30}`,
  ]);
  t.same(await lines('storage_pool_allocated_bytes'), []);
  const behind = new Behind(fake);
  behind.pool(uuidOf(7), 'slow', '/slow');
  behind.startPool(uuidOf(7), false);
  instance('slow', { uuid: uuidOf(7) });
  t.same(await lines('storage_pool_active'), [], 'it was not seen yet');
  view.gap();
  await view.refreshAll(life.signal);
  t.same(await lines('storage_pool_active'), ['virtwright_storage_pool_active{pool="slow",hypervisor="kvm1"} 0']);
  declare('a', [{ type: 'GuestAgentConnected', status: 'True' }]);
  declare('b', [{ type: 'GuestAgentConnected', status: 'False' }]);
  declare('c');
  t.same(await lines('vm_guest_agent_connected'), [
    'virtwright_vm_guest_agent_connected{namespace="shop",name="a",hypervisor="kvm1"} 1',
    'virtwright_vm_guest_agent_connected{namespace="shop",name="b",hypervisor="kvm1"} 0',
  ]);
});

t.test('networks are told of by their instances, with what their DHCP has given, and nobody is asked for it', async (t) => {
  const { fake, host, stores, make, lines, view, life } = await rig(t);
  const uuid = uuidOf(9);
  const ranges = [{ start: '10.0.0.250', end: '10.0.1.3' }];
  const live = { forward: { mode: 'NAT' as const }, records: [], ipv4: { address: '10.0.0.1', prefix: 23, ranges, hosts: [] } };
  fake.setNetwork({ nativeName: 'net', active: true, uuid, live });
  fake.guest(uuidOf(1), { asksForAddresses: true });
  await make('web');
  await make('silent');
  const meta = (name: string) => ({ name, namespace: 'shop', uid: name, resourceVersion: '1', creationTimestamp });
  const hosts = ['10.0.1.2', '10.0.1.9'].map((ip) => ({ ip }));
  const declare = (name: string, status: object, spec: object = {}) => {
    stores.networks.set({ metadata: meta(name), spec } as unknown as VirtualNetwork);
    const instance = { metadata: meta(`${name}.kvm1`), spec: { networkRef: { name }, hypervisor: 'kvm1' }, status };
    stores.networkInstances.set(instance as unknown as VirtualNetworkInstance);
  };
  declare('lan', { uuid, nativeName: 'net' }, { ipv4: { address: '10.0.0.1/23', dhcp: { ranges, hosts } } });
  declare('bare', { nativeName: 'net' });
  declare('other', { uuid: uuidOf(8), nativeName: 'net' });
  void view.followGuests(life.signal);
  const of = (network: string, value: number) => new RegExp(`\\{namespace="shop",network="${network}",hypervisor="kvm1"\\} ${value}$`);
  while (view.guest(view.machines.find(({ uuid: one }) => one === uuidOf(1))?.id ?? ('' as never)) === undefined) await sleep(5);
  fake.calls.length = 0;
  t.match(await lines('network_active'), [of('lan', 1), of('bare', 1)], 'one of another uuid is not meant');
  t.match(await lines('network_attached_interfaces'), [of('lan', 2), of('bare', 2)]);
  t.match(await lines('network_dhcp_addresses'), [of('lan', 11)], 'ten of the range, and one that a machine always gets');
  const leases = await lines('network_dhcp_leases');
  t.match(leases, [of('lan', 1)]);
  t.equal(leases.length, 1, 'where nothing is given, nothing is told');
  t.same(new Set(fake.calls), new Set(['stats.read']));
  host.connected = undefined;
  t.same(await lines('network_active'), []);
});
