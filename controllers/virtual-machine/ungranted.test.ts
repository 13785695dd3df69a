import t from 'tap';
import type { Hypervisor, VirtualMachine } from '#crds/types.js';
import { createStore } from '../kubernetes/store.js';
import type { Namespace } from '../namespaces.js';
import { ungrantedTo } from './ungranted.js';

const namespaces = createStore<Namespace>();
namespaces.set({ metadata: { name: 'shop', labels: { tier: 'infra' }, uid: 'n', resourceVersion: '1' } } as unknown as Namespace);

const machine = (spec: object) => ({ metadata: { namespace: 'shop', name: 'web' }, spec }) as unknown as VirtualMachine;
const asking = (shares: number) => machine({ cpu: { count: 1, shares } });
const host = (...grants: readonly object[]) =>
  ({
    metadata: { name: 'one' },
    spec: { grants: grants.map((grant, at) => ({ name: `${at}`, namespaces: { from: 'All' }, ...grant })) },
  }) as unknown as Hypervisor;
const of = (tier: string) => ({ namespaces: { from: 'Selector', selector: { matchLabels: { tier } } } });

t.test('more of the host’s time than others have is had by grant alone', async (t) => {
  t.same(ungrantedTo(asking(10_000), host(), namespaces), [
    'spec.cpu.shares: 10000 given, one grants at most 100 to namespace "shop"; ask for less, or set spec.grants[].cpuShares of Hypervisor "one"',
  ]);
  t.equal(ungrantedTo(asking(101), undefined, namespaces).length, 1, 'and a host that nobody knows gives none');
  for (const usual of [asking(100), asking(2), machine({ cpu: { count: 1 } })]) t.same(ungrantedTo(usual, host(), namespaces), []);
  t.same(ungrantedTo(asking(500), host({ cpuShares: 300 }, { cpuShares: 500, ...of('infra') }), namespaces), []);
  t.match(ungrantedTo(asking(500), host({ cpuShares: 300 }, { cpuShares: 500, ...of('other') }), namespaces), [/at most 300/]);
});

t.test('what a container names of its host is told of as well', async (t) => {
  const asked = machine({ cpu: { count: 1, shares: 101 }, container: { rootHostPath: '/srv' } });
  t.match(ungrantedTo(asked, host(), namespaces), [/^spec.cpu.shares/, /^spec.container.rootHostPath/]);
});
