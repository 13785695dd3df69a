import t from 'tap';
import type { KubernetesObject } from '#controllers/kubernetes/resource.js';
import { explain } from './explanation.js';
import { settersOf } from './fields.js';
import { explanationText } from './text.js';

const now = Date.parse('2026-01-01T12:00:00Z');
const ago = (minutes: number) => new Date(now - minutes * 60_000).toISOString();
const condition = (type: string, status: string, reason: string, message = '') => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: ago(5),
  observedGeneration: 1,
});

const object = (kind: string, fields: object): KubernetesObject => ({
  apiVersion: 'virtwright.io/v1alpha1',
  kind,
  metadata: { name: 'web', namespace: 'shop', uid: 'u', resourceVersion: '1', generation: 1, creationTimestamp: ago(60) },
  ...fields,
});
const page = (known: Parameters<typeof explain>[0]) => explanationText(explain(known), now, (text) => text);

t.test('who set what is told in the words of manifests', async (t) => {
  const managedFields = [
    {
      manager: 'kubectl',
      operation: 'Apply',
      time: ago(30),
      fieldsV1: {
        'f:metadata': { 'f:labels': { 'f:app.kubernetes.io/name': {} } },
        'f:spec': { 'f:disks': { 'k:{"name":"root"}': { '.': {}, 'f:name': {}, 'f:size': {} } }, 'f:cpu': { 'f:count': {} } },
      },
    },
    { manager: 'hand', operation: 'Update', time: ago(10), fieldsV1: { 'f:metadata': { 'f:finalizers': { 'v:"x/y"': {} } } } },
    { manager: 'virtwright', operation: 'Apply', subresource: 'status', time: ago(1), fieldsV1: { 'f:status': { 'f:uuid': {} } } },
  ];
  t.match(settersOf({ metadata: { managedFields } }), [
    { manager: 'virtwright', subresource: 'status', fields: ['status.uuid'] },
    { manager: 'hand', fields: ['metadata.finalizers[x/y]'] },
    {
      manager: 'kubectl',
      at: ago(30),
      fields: ['metadata.labels[app.kubernetes.io/name]', 'spec.cpu.count', 'spec.disks[root].name', 'spec.disks[root].size'],
    },
  ]);
  t.same(settersOf({ metadata: { managedFields: [{ fieldsV1: 'x' }, 3, { fieldsV1: { 'k:{': {} } }] } })[1]?.fields, ['[{]']);
  t.same(settersOf(undefined), []);
});

t.test('a machine that waits says for what, and what to do about it', async (t) => {
  const machine = object('VirtualMachine', {
    spec: { updatePolicy: { allow: ['Live'] } },
    status: {
      hypervisor: 'kvm1',
      printableStatus: 'Running',
      pendingChanges: [
        { field: 'spec.devices.rng', class: 'Restart', reason: 'changes only with the machine off' },
        { field: 'spec.firmware.type', class: 'Recreate', reason: 'for life' },
      ],
      drift: [{ field: 'spec.memory.size', declared: '1Gi', found: '2Gi', since: ago(3), treatment: 'Observe', reason: 'it stays' }],
      conditions: [condition('Ready', 'True', 'Running'), condition('RestartRequired', 'True', 'Changed', 'spec.devices.rng')],
    },
  });
  const events = [
    { type: 'Normal', reason: 'Placed', message: 'placed on kvm1', about: '', namespace: 'shop', count: 1, lastAt: now - 60_000 },
  ];
  const actions = [
    object('VirtualMachineAction', { spec: { verb: 'Restart' }, status: { outcome: 'Failed', finishedAt: ago(2), message: 'it hangs' } }),
    object('VirtualMachineAction', { spec: { verb: 'Stop' } }),
  ];
  const host = object('Hypervisor', { status: { conditions: [condition('Ready', 'False', 'Unavailable', 'no route')] } });
  const text = page({ object: machine, raw: {}, events, actions, host, accepted: ['spec.cpu.count: 65 given, kvm1 accepts 1 to 64'] });
  for (const line of [
    /^VirtualMachine shop\/web: Running, Ready, since /,
    /\nWhere it is\n {2}on kvm1: placed on kvm1\n {2}spec\.placement asks for nothing.*\n {2}web is not Ready: no route\n/,
    /\n {2}RestartRequired is True: Changed, spec\.devices\.rng\n/,
    /\n {2}spec\.devices\.rng: Restart, .* \(restart it, or let spec\.updatePolicy\.allow have Restart beside Live\)\n/,
    /\n {2}spec\.firmware\.type: Recreate, .*made anew from its disks\)\n/,
    /\n {2}Stop \(action web\): not begun yet\n/,
    /\nWhat would be accepted\n {2}spec\.cpu\.count: 65 given, kvm1 accepts 1 to 64\n/,
    /\nWhat another hand changed\n {2}spec\.memory\.size: declared 1Gi, found 2Gi since .*; Observe: it stays\n/,
    /\nWhat happened last\n {3}2m ago +Restart \(action web\) Failed +it hangs\n {3}60s ago +Placed +placed on kvm1\n/,
  ])
    t.match(text, line);
});

t.test('one without a host says which took it not, and why', async (t) => {
  const message = 'none of 2 hosts suits';
  const machine = object('VirtualMachine', {
    spec: { placement: { hypervisorSelector: { matchLabels: { zone: 'a' } } } },
    status: {
      placement: { rejected: [{ hypervisor: 'kvm1', reason: 'Memory', message: '1 GiB is free' }] },
      conditions: [condition('Ready', 'False', 'Unschedulable', message), condition('Reconciling', 'True', 'Unschedulable', message)],
    },
  });
  const text = page({ object: machine, raw: {}, accepted: [] });
  t.match(text, /on no host: none of 2 hosts suits\n {2}spec\.placement asks for .*zone.*\n {2}not kvm1: Memory, 1 GiB is free\n/);
  t.match(text, /What it waits for\n {2}Ready is False: Unschedulable, none of 2 hosts suits\n\n/, 'and says it once');
  t.match(page({ object: object('VirtualMachine', {}), raw: {}, accepted: [] }), /nobody has looked at it yet/);
});

t.test('what hosts and people wrote is not obeyed, and no password in a URI is told', async (t) => {
  const host = object('Hypervisor', {
    spec: { uri: 'esx://root:hunter22@esx1' },
    status: { conditions: [condition('Ready', 'False', 'Denied', 'a\u001b[2Jb\nc')] },
  });
  const text = page({ object: host, raw: {}, machines: 3, accepted: [] });
  t.match(text, /esx:\/\/esx1, with 3 machines bound to it\n/);
  t.match(text, /Denied, a\\x1b\[2Jb c\n/);
  t.notMatch(text, /hunter22/);
});

t.test('volumes, networks and pools say where they are', async (t) => {
  const volume = object('StorageVolume', { status: { hypervisor: 'kvm1', pool: 'fast-kvm1', location: '/v/a', claim: { machine: 'db' } } });
  t.match(page({ object: volume, raw: {}, accepted: [] }), /on kvm1, in fast-kvm1 as \/v\/a\n {2}machine db has it/);
  const network = object('VirtualNetwork', {
    status: { hosts: { ready: 1, desired: 2 }, failing: [{ hypervisor: 'b', message: 'no bridge' }] },
  });
  t.match(page({ object: network, raw: {}, accepted: [] }), /ready on 1 of the 2 hosts .*\n {2}b: no bridge\n/);
});
