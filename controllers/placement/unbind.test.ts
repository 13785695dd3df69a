import t from 'tap';
import type { VirtualMachine, VirtualMachineStatus } from '#crds/types.js';
import { isToBeAdopted } from '../adoption.js';
import { unbound } from './unbind.js';

const now = Date.UTC(2030, 0);
const machine = (status: VirtualMachineStatus): VirtualMachine => ({
  apiVersion: 'virtwright.io/v1alpha1',
  kind: 'VirtualMachine',
  metadata: {
    name: 'web',
    namespace: 'shop',
    uid: 'web-uid',
    resourceVersion: '1',
    generation: 2,
    creationTimestamp: '2030-01-01T00:00:00Z',
  },
  spec: { runStrategy: 'Always', stop: { mode: 'TrySoft', timeoutSeconds: 120 }, cpu: { count: 1 }, memory: { size: '1Gi' } },
  status,
});
const after = (status: VirtualMachineStatus) => unbound(machine(status), 'OutOfService', 'one is out of service', now);

t.test('what only the host knew is left behind, and what the machine went through comes along', async (t) => {
  const run = { bootId: '3', firstStartedAt: '2030-01-01T00:00:00Z' };
  const status = after({ hypervisor: 'one', uuid: 'web-uid', nativeName: 'first.shop.web', seedPool: 'fast.one', run });
  t.match(status, { uuid: 'web-uid', run, printableStatus: 'Moving', observedGeneration: 2 });
  for (const gone of ['hypervisor', 'nativeName', 'seedPool']) t.notOk(gone in status, gone);
});

t.test('of an evacuation only the room that is kept is left', async (t) => {
  const evacuation = { from: 'one', to: 'two', requestedAt: '2030-01-01T00:00:00Z', leftAt: '2030-01-01T00:01:00Z' };
  t.same(after({ hypervisor: 'one', evacuation }).evacuation, { from: 'one', to: 'two' });
  const stays = { from: 'one', reason: 'Memory', message: 'two: needs 1Gi' };
  t.notOk('evacuation' in after({ hypervisor: 'one', evacuation: stays }));
});

t.test('what only the host that it leaves had of an adopted machine is gone', async (t) => {
  const status = after({ hypervisor: 'one', hardware: { machine: 'pc' }, adopted: true, adoptedWith: 'sound' });
  t.same([status.hardware, status.adopted, status.adoptedWith], [undefined, undefined, undefined]);
});

t.test('what was on the host that it leaves is not to be adopted on the next one', async (t) => {
  const annotated = (status: VirtualMachineStatus) => {
    const { metadata, ...rest } = machine(status);
    return isToBeAdopted({ ...rest, metadata: { ...metadata, annotations: { 'virtwright.io/adopt': 'true' } } });
  };
  t.ok(annotated({ hypervisor: 'one' }));
  const moved = after({ hypervisor: 'one', hardware: { machine: 'pc' } });
  t.equal(moved.movedFrom, 'one');
  t.notOk(annotated(moved));
  t.notOk(annotated(after({ hypervisor: 'one', adopted: true })), 'also where its host tells no hardware');
  t.ok(annotated(after({ hypervisor: 'one' })), 'what was never there waits on');
  t.equal(after({ ...moved, hypervisor: 'two' }).movedFrom, 'one', 'also where the next host never got it');
});
