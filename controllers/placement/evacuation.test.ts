import t from 'tap';
import type { Hypervisor, VirtualMachine, VirtualMachineSpec, VirtualMachineStatus } from '#crds/types.js';
import { hypervisorDefaults } from '#test/hypervisor-spec.js';
import type { Choice } from './choose.js';
import { evacuationOf, maintenanceOf } from './evacuation.js';

const now = Date.UTC(2030, 0);
const meta = (name: string) => ({
  name,
  uid: `${name}-uid`,
  resourceVersion: '1',
  generation: 1,
  creationTimestamp: '2030-01-01T00:00:00Z',
});
const host = (name: string, maintenance: Hypervisor['spec']['maintenance']): Hypervisor => ({
  apiVersion: 'virtwright.io/v1alpha1',
  kind: 'Hypervisor',
  metadata: meta(name),
  spec: { ...hypervisorDefaults, uri: 'fake:', maintenance },
});
const machine = (status: VirtualMachineStatus = {}, spec: Partial<VirtualMachineSpec> = {}, name = 'web'): VirtualMachine => ({
  apiVersion: 'virtwright.io/v1alpha1',
  kind: 'VirtualMachine',
  metadata: { ...meta(name), namespace: 'shop' },
  spec: {
    runStrategy: 'Always',
    stop: { mode: 'TrySoft', timeoutSeconds: 120 },
    cpu: { count: 1 },
    memory: { size: '1Gi' },
    ...spec,
  },
  status: { hypervisor: 'one', ...status },
});
const two = (): Choice => ({ kind: 'place', hypervisor: host('two', 'None') });
const nowhere = (): Choice => ({
  kind: 'none',
  reason: 'Unschedulable',
  message: 'two: needs 1Gi of memory, 0 of 8Gi free',
  reasons: [{ reason: 'Memory', count: 1 }],
  rejected: [{ hypervisor: 'two', reason: 'Memory', message: 'needs 1Gi of memory, 0 of 8Gi free' }],
});
const never = (): Choice => {
  throw new Error('nobody needs to choose');
};

const evacuation = (one: VirtualMachine, on: Hypervisor, choice: () => Choice, at: number, suits = true) =>
  evacuationOf(one, on, { choice, stillSuits: () => suits }, at);

t.test('a machine is asked to leave where another host can take it, and told why it stays where none can', async (t) => {
  const evacuated = host('one', 'Evacuate');
  t.same(evacuation(machine(), evacuated, two, now), { from: 'one', to: 'two', requestedAt: '2030-01-01T00:00:00Z' });
  t.match(evacuation(machine(), evacuated, nowhere, now), { from: 'one', reason: 'Memory', message: /^two: needs 1Gi/ });
  const alone = (): Choice => ({
    kind: 'none',
    reason: 'Unschedulable',
    message: 'one: it takes no new machines',
    reasons: [{ reason: 'Maintenance', count: 1 }],
    rejected: [{ hypervisor: 'one', reason: 'Maintenance', message: 'it takes no new machines' }],
  });
  t.match(evacuation(machine(), evacuated, alone, now), { reason: 'NoOtherHost' });
  t.equal(evacuation(machine(), host('one', 'Cordon'), never, now), undefined);
  t.equal(evacuation(machine(), host('one', 'None'), never, now), undefined);
});

t.test('what no other host could make up for keeps it', async (t) => {
  const evacuated = host('one', 'Evacuate');
  const pinned = machine({}, { placement: { policy: 'Spread', hypervisorRef: { name: 'one' } } });
  t.match(evacuation(pinned, evacuated, never, now), { reason: 'Pinned' });
  t.match(evacuation(machine({ hardware: { firmware: 'UEFI' } }), evacuated, never, now), {
    reason: 'FirmwareState',
    message: /^status.hardware: its firmware is UEFI, and its variables stay on one/,
  });
  t.match(evacuation(machine({}, { firmware: { type: 'UEFI' } }), evacuated, never, now), { message: /^spec.firmware.type: UEFI given/ });
  const trusted = machine({}, { firmware: { type: 'BIOS', tpm: 'V2' } });
  t.match(evacuation(trusted, evacuated, never, now), { reason: 'FirmwareState', message: /the state of its TPM/ });
  t.match(evacuation(machine({ hardware: { firmware: 'BIOS' } }), evacuated, two, now), { to: 'two' });
});

t.test('a request stands while the host is to be emptied, is taken back after, and never once the host has let go', async (t) => {
  const asked = { from: 'one', to: 'two', requestedAt: '2029-12-31T00:00:00Z' };
  const left = { ...asked, leftAt: '2029-12-31T01:00:00Z' };
  t.same(evacuation(machine({ evacuation: asked }), host('one', 'Evacuate'), never, now), asked);
  const moved = evacuation(machine({ evacuation: asked }), host('one', 'Evacuate'), two, now, false);
  t.same(moved, asked, 'it goes to the next best, if the host that kept room is away');
  t.match(evacuation(machine({ evacuation: asked }), host('one', 'Evacuate'), nowhere, now, false), {
    reason: 'Memory',
    requestedAt: undefined,
  });
  t.same(evacuation(machine({ evacuation: left }), host('one', 'Evacuate'), never, now, false), left);
  t.equal(evacuation(machine({ evacuation: asked }), host('one', 'None'), never, now), undefined);
  for (const maintenance of ['None', 'Cordon', 'Evacuate'] as const)
    t.same(evacuation(machine({ evacuation: left }), host('one', maintenance), never, now), left);
  const stays = { from: 'one', reason: 'Memory', message: 'full' };
  t.match(evacuation(machine({ evacuation: stays }), host('one', 'Evacuate'), two, now), { to: 'two', reason: undefined });
});

t.test('of an evacuation all are counted, and ten named', async (t) => {
  const stays = (name: string) => machine({ evacuation: { from: 'one', reason: 'Volume', message: 'local' } }, {}, name);
  const goes = machine({ evacuation: { from: 'one', to: 'two', requestedAt: '2029-12-31T00:00:00Z' } });
  const many = [...Array.from({ length: 12 }, (_, index) => stays(`m${index + 10}`)).reverse(), goes, machine()];
  const told = maintenanceOf(host('one', 'Evacuate'), many);
  t.match(told, { machines: 14, leaving: 1, staying: 12 });
  t.equal(told?.reasons?.length, 10);
  t.same(told?.reasons?.[0], { namespace: 'shop', name: 'm10', reason: 'Volume', message: 'local' });
  t.same(maintenanceOf(host('one', 'Evacuate'), []), { machines: 0, leaving: 0, staying: 0 });
  t.equal(maintenanceOf(host('one', 'Cordon'), many), undefined);
});
