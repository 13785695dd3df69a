import t from 'tap';
import type { Hypervisor, VirtualMachine, VirtualNetwork, VirtualNetworkInstance } from '#crds/types.js';
import type { HostScope } from '../host/scope.js';
import { createStore } from '../kubernetes/store.js';
import type { Namespace } from '../namespaces.js';
import { type NetworkStores, resolveInterfaces } from './interfaces.js';

const metadata = (name: string) => ({ name, namespace: 'shop', uid: name, resourceVersion: '1', generation: 1 });
const namespaces = createStore<Namespace>();
namespaces.set({ metadata: { name: 'shop', labels: {}, uid: 'n', resourceVersion: '1' } } as unknown as Namespace);
const networks = createStore<VirtualNetwork>();
networks.set({ metadata: metadata('lan'), spec: { existing: { name: 'LAN' } } } as unknown as VirtualNetwork);
const networkInstances = createStore<VirtualNetworkInstance>();
const ready = [{ type: 'Ready', status: 'True', reason: 'Ready', message: '', observedGeneration: 1 }];
networkInstances.set({
  metadata: metadata('lan.one'),
  spec: {},
  status: { nativeName: 'LAN', observedGeneration: 1, conditions: ready },
} as unknown as VirtualNetworkInstance);
const stores = { namespaces, networks, networkInstances } as unknown as NetworkStores;

const host = (grant: object): HostScope => {
  const spec = { grants: [{ name: 'lan', namespaces: { from: 'All' }, networks: ['LAN'], ...grant }] };
  return { name: 'one', hypervisor: { metadata: { name: 'one' }, spec } as unknown as Hypervisor } as unknown as HostScope;
};
const machine = (vlan: object) =>
  ({
    metadata: metadata('web'),
    spec: { interfaces: [{ name: 'eth', networkRef: { name: 'lan' }, ...vlan }] },
  }) as unknown as VirtualMachine;

t.test('a tag is had by grant alone, and one that is not is named', async (t) => {
  const revoked = (grant: object, vlan: object) => resolveInterfaces(machine(vlan), host(grant), stores).revoked;
  t.same(resolveInterfaces(machine({ vlan: 40 }), host({ vlans: [40] }), stores), {
    interfaces: [{ name: 'eth', vlan: 40, network: 'LAN' }],
    missing: [],
    revoked: [],
    duplicates: [],
    byDefault: false,
  });
  t.same(revoked({}, {}), [], 'none needs no grant');
  const because = 'network "lan": VLAN 40 is not granted to namespace "shop" on one; name it in spec.grants[].vlans of that Hypervisor';
  for (const grant of [{}, { vlans: [41, 4] }]) t.same(revoked(grant, { vlan: 40 }), [{ name: 'eth', network: 'LAN', vlan: 40, because }]);
});
