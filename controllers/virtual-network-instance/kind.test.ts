import t from 'tap';
import type { Hypervisor, VirtualMachine, VirtualNetwork, VirtualNetworkInstance } from '#crds/types.js';
import { Behind } from '#drivers/fake/behind.js';
import { everything } from '#drivers/fake/capabilities.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { hypervisorDefaults } from '#test/hypervisor-spec.js';
import { HostView } from '../host/view.js';
import { createStore } from '../kubernetes/store.js';
import type { Namespace } from '../namespaces.js';
import { reconcile } from '../reconcile.js';
import { indexes } from '../stores.js';
import { virtualNetworkInstanceKind } from './kind.js';

const meta = (name: string) => ({
  name,
  namespace: 'shop',
  uid: `${name}-uid`,
  resourceVersion: '1',
  generation: 1,
  creationTimestamp: '2030-01-01T00:00:00Z',
});
const network: VirtualNetwork = {
  apiVersion: 'virtwright.io/v1alpha1',
  kind: 'VirtualNetwork',
  metadata: meta('lan'),
  spec: { span: 'PerHost', existing: { name: 'br-lan' } },
};
const hypervisor = (networks: readonly string[]): Hypervisor => ({
  apiVersion: 'virtwright.io/v1alpha1',
  kind: 'Hypervisor',
  metadata: meta('one'),
  spec: {
    ...hypervisorDefaults,
    uri: 'fake:',
    grants: [
      { name: 'ours', namespaces: { from: 'Selector', selector: { matchLabels: { team: 'shop' } } }, networks },
      { name: 'theirs', namespaces: { from: 'Selector', selector: { matchLabels: { team: 'other' } } }, networks: ['br-theirs', 'br-lan'] },
    ],
  },
});

function scene(lacks?: string) {
  const host = new FakeHost({ capabilities: everything.filter(({ field }) => field !== lacks) });
  const driver = fakeDriver(host);
  const signal = AbortSignal.timeout(10_000);
  const view = new HostView(driver, () => {}, signal);
  const stores = {
    networks: createStore<VirtualNetwork>(),
    machines: createStore<VirtualMachine, 'volume' | 'network' | 'uid' | 'uuid'>({ indexes: indexes.machines }),
    namespaces: createStore<Namespace>(),
  };
  stores.networks.set(network);
  const { namespace: _, ...shop } = meta('shop');
  stores.namespaces.set({ metadata: { ...shop, labels: { team: 'shop' } } });
  const scope = { name: 'one', cluster: 'here', hypervisor: hypervisor(['br-lan']), capabilities: host.capabilities };
  const kind = virtualNetworkInstanceKind(scope, stores);
  let instance: VirtualNetworkInstance = {
    apiVersion: 'virtwright.io/v1alpha1',
    kind: 'VirtualNetworkInstance',
    metadata: meta('lan.one'),
    spec: { networkRef: { name: 'lan' }, hypervisor: 'one' },
  };
  const pass = async (deleted = false) => {
    if (deleted) instance = { ...instance, metadata: { ...instance.metadata, deletionTimestamp: '2030-01-01T00:00:00Z' } };
    view.gap();
    const publish = async (object: VirtualNetworkInstance, status: NonNullable<VirtualNetworkInstance['status']>) => {
      instance = { ...object, status };
      return instance;
    };
    return reconcile(kind, instance, { driver, view, signal, clock: () => Date.UTC(2030, 0), publish });
  };
  return { host, behind: new Behind(host), stores, scope, pass, status: () => instance.status };
}

t.test('a network is ready where it is granted, there and active, and is never touched', async (t) => {
  const { host, behind, scope, pass, status } = scene();
  behind.network('br-theirs');
  t.same(await pass(), { kind: 'stalled', because: 'one has no network called br-lan; make it there' });
  behind.network('br-lan', false);
  t.same(await pass(), { kind: 'stalled', because: 'network br-lan on one is not active; start it there' });
  behind.network('br-lan');
  t.same(await pass(), { kind: 'converged' });
  t.match(status(), { nativeName: 'br-lan', conditions: [{ type: 'Ready', status: 'True', reason: 'Active' }] });
  for (const grants of [['br-other'], []]) {
    scope.hypervisor = hypervisor(grants);
    t.same(await pass(), {
      kind: 'stalled',
      because: 'namespace "shop" may not use network br-lan of one; name it in spec.grants[].networks of Hypervisor "one"',
    });
    t.match(status(), { nativeName: 'br-lan', conditions: [{ status: 'False' }, {}, { type: 'Stalled', reason: 'NotGranted' }] });
  }
  t.same(await pass(true), { kind: 'converged' });
  t.same([host.acts, host.networks.size], [[], 2]);
});

t.test('a namespace that nobody knows has the grants for all, and no others', async (t) => {
  const { behind, stores, pass } = scene();
  behind.network('br-lan');
  stores.namespaces.delete('shop');
  t.match(await pass(), { kind: 'stalled', because: /may not use network br-lan/ });
});

t.test('a host without networks refuses by name', async (t) => {
  const { pass } = scene('networks.existing');
  t.same(await pass(), { kind: 'stalled', because: 'spec.existing: asked for, one accepts nothing there' });
});

t.test('an instance whose network is not there waits for it', async (t) => {
  const { stores, pass } = scene();
  stores.networks.delete('shop/lan');
  t.same(await pass(), { kind: 'waiting', because: 'waiting for network "lan": there is none' });
  t.same(await pass(true), { kind: 'converged' });
});
