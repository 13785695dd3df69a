import fc from 'fast-check';
import t from 'tap';
import type { VirtualMachine, VirtualMachineStatus } from '#crds/types.js';
import type { Machine, MachineId, MachineShape, OwnerMark } from '#drivers/driver.js';
import { everything } from '#drivers/fake/capabilities.js';
import { unsaidOf } from '../adoption.js';
import type { DesiredMachine } from './desired.js';
import { planMachine } from './plan.js';
import type { MachineRecord } from './record.js';
import { decodeRecord } from './record-text.js';
import { reportMachine } from './report.js';

const owner: OwnerMark = { cluster: 'here', namespace: 'shop', name: 'web', uid: 'u-1' };
const uuid = '11111111-2222-4333-8444-555555555501';
const shape: MachineShape = {
  cpuCount: 1,
  memoryBytes: 64 << 20,
  disks: [{ name: 'vda', location: '/p/web', format: 'Qcow2', bus: 'VirtioBlk', cache: 'None' }],
  interfaces: [{ name: 'nic0', network: 'lan', macAddress: '52:54:00:aa:bb:01' }],
  serial: true,
  rng: false,
};
const desired = (given: Partial<DesiredMachine> = {}): DesiredMachine => ({
  want: 'present',
  host: 'one',
  owner,
  definition: { ...shape, uuid, nativeName: 'shop.web' },
  runStrategy: 'Always',
  keepState: true,
  stop: { mode: 'TrySoft', timeoutMs: 120_000 },
  capabilities: everything,
  adopt: { name: uuid },
  ...given,
});
const machine = (given: Partial<Machine> = {}): Machine => ({
  id: 'm' as MachineId,
  uuid,
  nativeName: 'web',
  power: { state: 'On', reason: 'Booted' },
  configured: { ...shape, disks: [], interfaces: [] },
  live: { ...shape, disks: [], interfaces: [] },
  found: { shape, kept: ['sound'] },
  hardware: {},
  ...given,
});
const plan = (wanted: DesiredMachine, stranger: Machine | undefined) =>
  planMachine(wanted, { record: {}, ...(stranger === undefined ? {} : { stranger }) }, 1_000_000);
const words = (...asked: Parameters<typeof plan>) =>
  plan(...asked).map((one) => (one.kind === 'act' ? one.action.kind : `${one.reason}: ${one.because}`));

t.test('what is there as the manifest says is taken, and nothing else is done', async (t) => {
  const taken = plan(desired(), machine());
  t.match(taken, [{ kind: 'act', action: { kind: 'adopt', id: 'm', mark: { owner } }, because: 'adopted, as annotated' }]);
  t.equal(taken.length, 1);
  const [decision] = taken;
  const action = decision?.kind === 'act' ? decision.action : undefined;
  t.match(action?.kind === 'adopt' && decodeRecord(action.mark.record), { adopted: { kept: 'sound' }, applied: /.+/ });
});

t.test('without the word, and without the grant, nothing is', async (t) => {
  const { adopt: _, ...unasked } = desired();
  const namesake = machine({ nativeName: 'shop.web' });
  t.match(words(unasked, namesake), [/^NotOurs: one has a machine shop[.]web that Virtwright did not make; rename or remove it there/]);
  const words1 =
    /^NotOurs: spec[.]uuid: .{36} given, and machine web, which Virtwright did not make, on one has it; make a new VirtualMachine without it, or with another, or adopt/;
  t.match(words({ ...unasked, givesUuid: true }, machine()), [words1], 'no other name would help');
  t.match(words(desired({ adopt: { name: uuid, ungranted: 'x may not be adopted' } }), machine()), [/^NotGranted: machine x may not/]);
});

t.test('what no definition says whole is not taken', async (t) => {
  const found = { shape, kept: [], hindrance: 'its root is no directory' };
  t.same(words(desired(), machine({ found })), ['Unsupported: machine web on one is not adopted: its root is no directory']);
});

t.test('what differs is named, and not changed', async (t) => {
  const other = { ...shape, memoryBytes: 128 << 20, serial: false };
  t.match(words(desired({ definition: { ...other, uuid, nativeName: 'shop.web' } }), machine()), [
    /^Differs: .* something else in spec\.memory\.size, spec\.devices\.serial;/,
  ]);
});

t.test('property: whatever differs in a field, nothing is done', async (t) => {
  const field = fc.oneof(
    fc.record({ cpuCount: fc.integer({ min: 2, max: 64 }) }),
    fc.record({ memoryBytes: fc.integer({ min: 65, max: 4096 }).map((mib) => mib << 20) }),
    fc.constant({ serial: false }),
    fc.constant({ rng: true }),
    fc.constant({ disks: [] }),
    fc.constant({ interfaces: [] }),
    fc.constant({ tpm: 'V2' as const }),
    fc.constant({ guestAgent: true }),
  );
  fc.assert(
    fc.property(field, (change) => {
      const found = plan(desired({ definition: { ...shape, ...change, uuid, nativeName: 'shop.web' } }), machine());
      return found.length === 1 && found[0]?.kind === 'refuse' && found[0].reason === 'Differs';
    }),
  );
  t.pass();
});

t.test('another machine of that name is not it, nor is one made where there is none', async (t) => {
  t.match(words(desired(), machine({ uuid: '99999999-2222-4333-8444-555555555501' })), [/^NotOurs: spec\.uuid: /]);
  t.match(words(desired(), undefined), [/^NotFound: one has no machine 11111111-\S+ to adopt; name its host/]);
});

t.test('its volumes and networks come first', async (t) => {
  t.match(words(desired({ missing: ['volume "web": not there'] }), machine()), [/^WaitingForVolumes/]);
});

t.test('a default that new machines get is not asked of it', async (t) => {
  const bare = { ...shape, interfaces: [] };
  const asked = desired({
    networkByDefault: true,
    definition: { ...bare, interfaces: [{ name: 'default', network: 'lan' }], uuid, nativeName: 'shop.web' },
  });
  t.strictSame(words(asked, machine({ found: { shape: bare, kept: [] } })), ['adopt']);
});

t.test('what no manifest can say is not lost by leaving a host', async (t) => {
  const record = { adopted: { kept: 'sound' } };
  const ours = machine({ configured: shape, live: shape, mark: { owner, record: JSON.stringify(record) } });
  const away = (given: Partial<DesiredMachine> = {}, learnt: MachineRecord = record) =>
    planMachine(desired({ want: 'away', ...given }), { machine: ours, record: learnt }, 1_000_000).filter(
      (one) => one.kind !== 'act' || one.action.kind !== 'note',
    );
  t.match(away(), [{ kind: 'wait', because: /no manifest can say \(sound\).*virtwright.io\/adopt=false/ }]);
  t.match(away({ forgets: true }), [{ action: { kind: 'press' } }], 'with a word');
  t.match(away({}, { adopted: {} }), [{ action: { kind: 'press' } }], 'where there is nothing to lose');
});

t.test('gone from its host, it is not made anew without what no manifest can say', async (t) => {
  const { adopt: _, ...ours } = desired({ adoptedWith: 'disk /vmfs/web.vmdk' });
  const reasons = (given: Partial<DesiredMachine>) =>
    planMachine({ ...ours, ...given }, { record: {} }, 1).map((one) => (one.kind === 'act' ? one.action.kind : one.reason));
  t.match(words(ours, undefined), [/^Lost: .*\(disk \/vmfs\/web\.vmdk\), and is gone from one: .*virtwright\.io\/adopt=false/]);
  t.strictSame(reasons({ keepsPassword: true }), ['Lost'], 'nor is it forgotten that it was adopted');
  t.strictSame(reasons({ want: 'away' }), ['Lost'], 'it has not left by itself');
  t.strictSame(reasons({ want: 'absent' }), []);
  const { adoptedWith: _with, ...told } = ours;
  t.strictSame(
    planMachine({ ...told, forgets: true }, { record: {} }, 1).map((one) => one.kind === 'act' && one.action.kind),
    ['define'],
  );
});

t.test('what no manifest can say is told, also of one that is gone', async (t) => {
  const { adopt: _, ...ours } = desired();
  const resource = (status: VirtualMachineStatus, annotations: Record<string, string> = {}) =>
    ({ metadata: { ...owner, generation: 1, annotations }, spec: { runStrategy: 'Always' }, status }) as unknown as VirtualMachine;
  const record = { adopted: { kept: 'sound' } };
  const there = reportMachine(resource({}), { desired: ours, observed: { machine: machine(), record }, now: 1 });
  t.match(there, { adopted: true, adoptedWith: 'sound' });
  const unsaid = unsaidOf(resource(there));
  t.equal(unsaid, 'sound');
  const gone = reportMachine(resource(there), { desired: { ...ours, adoptedWith: 'sound' }, observed: { record: {} }, now: 2 });
  t.match(gone, { adopted: true, adoptedWith: 'sound' });
  t.equal(unsaidOf(resource(there, { 'virtwright.io/adopt': 'false' })), undefined);
  const anew = reportMachine(resource(gone), { desired: { ...ours, forgets: true }, observed: { machine: machine(), record: {} }, now: 3 });
  t.same([anew.adopted, anew.adoptedWith], [undefined, undefined]);
});

t.test('a screen that lost its password with its machine is not made anew without one', async (t) => {
  t.match(planMachine(desired({ keepsPassword: true, adopt: undefined } as object), { record: {} }, 1), [{ reason: 'WaitingForPassword' }]);
});

t.test('released, it is left as it is; deleted before it was taken, too', async (t) => {
  const ours = machine({ mark: { owner, record: '' } });
  const going = desired({ want: 'absent', release: true });
  const kinds = (wanted: DesiredMachine) =>
    planMachine(wanted, { machine: ours, record: {} }, 1_000_000).map((one) => (one.kind === 'act' ? one.action.kind : one.reason));
  t.strictSame(kinds(going), ['release']);
  t.strictSame(
    kinds({ ...going, doomed: ['vda'] }).filter((kind) => kind !== 'note'),
    ['WouldLoseDisks'],
  );
  const ungranted = { ...going, adopt: { name: uuid, ungranted: 'x may not be adopted' } };
  t.strictSame(
    kinds(ungranted).filter((kind) => kind !== 'note'),
    ['NotGranted'],
  );
  t.strictSame(plan(going, machine()), []);
  t.strictSame(plan(desired({ want: 'absent' }), machine()), []);
});
