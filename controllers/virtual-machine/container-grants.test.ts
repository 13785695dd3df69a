import t from 'tap';
import type { Hypervisor, VirtualMachine } from '#crds/types.js';
import { createStore } from '../kubernetes/store.js';
import type { Namespace } from '../namespaces.js';
import { ungrantedToContainer } from './container-grants.js';

const namespaces = createStore<Namespace>();
namespaces.set({ metadata: { name: 'shop', labels: { tier: 'infra' }, uid: 'n', resourceVersion: '1' } } as unknown as Namespace);

const container = (asked: object) =>
  ({ metadata: { namespace: 'shop', name: 'web' }, spec: { container: asked } }) as unknown as VirtualMachine;
const host = (...grants: readonly object[]) =>
  ({
    metadata: { name: 'one' },
    spec: { grants: grants.map((grant, at) => ({ name: `${at}`, namespaces: { from: 'All' }, ...grant })) },
  }) as unknown as Hypervisor;

t.test('what is the host’s own is had by grant alone', async (t) => {
  const asked = container({
    rootHostPath: '/srv/root',
    privileged: true,
    mounts: [
      { path: '/a', hostPath: '/srv/a' },
      { path: '/b', volumeRef: { name: 'b' } },
    ],
  });
  const fields = (hypervisor: Hypervisor | undefined) =>
    ungrantedToContainer(asked, hypervisor, namespaces).map((because) => because.split(': ')[0]);
  const all = ['spec.container.rootHostPath', 'spec.container.mounts[/a].hostPath', 'spec.container.privileged'];
  t.same(fields(undefined), all, 'which a host that nobody knows gives to none');
  t.same(fields(host()), all);
  t.same(fields(host({ hostPaths: ['/srv/root'] })), all.slice(1));
  t.same(fields(host({ hostPaths: ['/srv'] })), all, 'what is beneath is not granted with it');
  t.same(fields(host({ hostPaths: ['/srv/root', '/srv/a'] }, { privilegedContainers: true })), []);
  t.same(fields(host({ hostPaths: ['/srv/root', '/srv/a'], privilegedContainers: false })), all.slice(2));
  const others = { namespaces: { from: 'Selector', selector: { matchLabels: { tier: 'other' } } } };
  t.same(fields(host({ hostPaths: ['/srv/root', '/srv/a'], privilegedContainers: true, ...others })), all, 'nor to other namespaces');
  const mine = { namespaces: { from: 'Selector', selector: { matchLabels: { tier: 'infra' } } } };
  t.same(fields(host({ hostPaths: ['/srv/root', '/srv/a'], privilegedContainers: true, ...mine })), []);
  t.same(ungrantedToContainer(container({ rootVolumeRef: { name: 'a' } }), host(), namespaces), []);
});

t.test('a path beneath another that is granted to anybody is refused', async (t) => {
  const asked = container({ rootHostPath: '/srv/a/b' });
  const others = { namespaces: { from: 'Selector', selector: { matchLabels: { tier: 'other' } } }, hostPaths: ['/srv/a'] };
  t.match(ungrantedToContainer(asked, host({ hostPaths: ['/srv/a/b'] }, others), namespaces), [/lies in \/srv\/a, granted as well/]);
  t.same(ungrantedToContainer(asked, host({ hostPaths: ['/srv/a/b', '/srv/a/bc', '/srv/aa'] }), namespaces), []);
});
