import t from 'tap';
import type { Hypervisor, VirtualMachine } from '#crds/types.js';
import { createStore } from '../kubernetes/store.js';
import { logTransitions } from './transitions.js';

let version = 0;
const object = <T>(name: string, [status, reason, message = '']: readonly string[] = [], more: object = {}): T =>
  ({
    metadata: { name, namespace: 'shop', uid: name, resourceVersion: `${++version}`, creationTimestamp: '2030-01-01T00:00:00Z' },
    status: { ...(status === undefined ? {} : { conditions: [{ type: 'Ready', status, reason, message }] }), ...more },
  }) as T;

function rig() {
  const lines: unknown[] = [];
  return { lines, log: { info: (message: string, fields?: object) => void lines.push([message, fields]) } };
}

t.test('a state that an object comes to is one line, and looks at it are none', (t) => {
  const { lines, log } = rig();
  const store = createStore<VirtualMachine>();
  store.set(object('web', ['True', 'Running']));
  logTransitions('VirtualMachine', store, log);
  store.set(object('web', ['True', 'Running'], { uuid: 'its own' }));
  store.set(object('web', ['False', 'Stopping', 'asked to']));
  store.set(object('web', ['False', 'Stopping', 'asked to again']));
  store.set(object('new'));
  store.set(object('new', ['False', 'Provisioning']));
  store.delete('shop/new');
  const web = { namespace: 'shop', name: 'web' };
  t.same(lines, [
    ['VirtualMachine became Stopping', { ...web, from: 'Running', ready: 'False', because: 'asked to' }],
    ['VirtualMachine became Provisioning', { namespace: 'shop', name: 'new', ready: 'False' }],
    ['VirtualMachine went away', { namespace: 'shop', name: 'new' }],
  ]);
  t.end();
});

t.test('what another tells of is left to it', (t) => {
  const { lines, log } = rig();
  const store = createStore<VirtualMachine>();
  logTransitions('VirtualMachine', store, log, ({ status }) => status?.hypervisor === undefined);
  store.set(object('web'));
  store.set(object('web', ['False', 'Unschedulable']));
  store.set(object('web', ['False', 'Provisioning'], { hypervisor: 'kvm1' }));
  store.delete('shop/web');
  t.match(lines, [['VirtualMachine became Unschedulable', {}]]);
  t.equal(lines.length, 1);
  t.end();
});

t.test('what has no namespace is told without', (t) => {
  const { lines, log } = rig();
  const store = createStore<Hypervisor>();
  logTransitions('Hypervisor', store, log);
  const host = (reason: string): Hypervisor => {
    const { metadata, ...rest } = object<Hypervisor>('kvm1', ['True', reason]);
    const { name, uid, resourceVersion, creationTimestamp } = metadata;
    return { ...rest, metadata: { name, uid, resourceVersion, creationTimestamp } } as Hypervisor;
  };
  store.set(host('Connected'));
  store.set(host('AgentSilent'));
  t.same(lines, [['Hypervisor became AgentSilent', { name: 'kvm1', from: 'Connected', ready: 'True' }]]);
  t.end();
});
