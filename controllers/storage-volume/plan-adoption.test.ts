import t from 'tap';
import type { MachineId, Pool, PoolId, Volume } from '#drivers/driver.js';
import { everything } from '#drivers/fake/capabilities.js';
import type { DesiredVolume, ObservedVolume } from './action.js';
import { planVolume } from './plan.js';

const now = 1_000_000;
const pool: Pool = {
  id: 'p' as PoolId,
  uuid: 'uuid-p',
  nativeName: 'theirs',
  active: true,
  formats: ['Qcow2', 'Raw'],
  can: ['create', 'delete', 'grow', 'stream'],
  capacityBytes: 1 << 30,
  allocationBytes: 0,
  availableBytes: 1 << 30,
};
const volume: Volume = {
  id: { pool: pool.id, nativeName: 'web.img' },
  location: '/theirs/web.img',
  format: 'Raw',
  sizeBytes: 8 << 20,
  allocationBytes: 0,
};
const desired = (given: Partial<DesiredVolume> = {}): DesiredVolume => ({
  want: 'present',
  host: 'one',
  uid: 'u',
  tenant: 'here/shop',
  poolUuid: 'uuid-p',
  poolName: 'theirs.one',
  poolComes: true,
  nativeName: 'web.img',
  familyName: 'shop.web',
  format: 'Raw',
  formatField: 'spec.format',
  sizeBytes: 8 << 20,
  keep: true,
  wipe: false,
  record: { failures: 0, retryAt: 0 },
  clones: [],
  capabilities: everything,
  adopt: { name: 'web.img' },
  ...given,
});
const observed = (given: Partial<ObservedVolume> = {}): ObservedVolume => ({
  pool,
  volume,
  sourceUsers: [],
  linked: [],
  leftovers: [],
  users: [],
  ...given,
});
const words = (wanted: DesiredVolume, seen: ObservedVolume) =>
  planVolume(wanted, seen, now).map((one) => (one.kind === 'act' ? one.action.kind : `${one.reason}: ${one.because}`));
const { volume: _, ...nothing } = observed();

t.test('what is there is taken as it is', async (t) => {
  t.strictSame(words(desired(), observed()), ['takeOver']);
  t.strictSame(words(desired({ sizeBytes: 4 << 20 }), observed()), ['takeOver'], 'it may have more than is asked');
  const whole = { failures: 0, retryAt: 0, startedAt: 1, completedAt: 2 };
  t.strictSame(words(desired({ record: whole }), observed()), [], 'and is then like any other');
});

t.test('an image of a disc is taken where the host makes nothing but virtual disks', async (t) => {
  const disks = { ...pool, formats: ['Vhdx', 'Vhd'] as const };
  t.strictSame(words(desired(), observed({ pool: disks })), ['takeOver']);
  t.match(words(desired(), observed({ pool: disks, volume: { ...volume, format: 'Vhdx' } })), [
    /^Unfit: spec\.format: Raw given, accepted are Vhdx/,
  ]);
});

t.test('a Qcow2 is looked into first: it may reach for files of the host', async (t) => {
  t.strictSame(words(desired({ format: 'Qcow2' }), observed()), ['inspect']);
  t.strictSame(words(desired({ format: 'Qcow2' }), observed({ inspected: true })), ['takeOver']);
});

t.test('what must not be taken, or cannot, is told', async (t) => {
  const refusals: readonly (readonly [DesiredVolume, ObservedVolume, RegExp])[] = [
    [desired({ adopt: { name: 'web.img', ungranted: 'x may not be adopted' } }), observed(), /^NotGranted: volume x may not/],
    [desired({ rival: 'shop/other' }), observed(), /^InUse: StorageVolume "shop\/other" is web\.img already/],
    [desired({ sizeBytes: 16 << 20 }), observed(), /^Unfit: spec\.size: 16Mi given, web\.img has 8Mi/],
    [desired({ format: 'Vmdk' }), observed(), /^Unfit: spec\.format: Vmdk given, accepted are Qcow2, Raw/],
    [desired(), observed({ marker: volume }), /^Incomplete: /],
    [desired({ adopt: { name: 'shop.data-1a2b3c4d' } }), observed(), /^NotOurs: volume shop\.data-1a2b3c4d was made by Virtwright/],
    [desired({ adopt: { name: 'shop.web-1a2b3c4d.seed-abc' } }), observed(), /^NotOurs: /],
    [
      desired({ format: 'Qcow2' }),
      observed({ users: [{ id: 'm' as MachineId, nativeName: 'theirs', off: true, format: 'Raw' }] }),
      /^Differs: spec\.format: Qcow2 given, and machine theirs has it as Raw/,
    ],
    [desired(), { ...nothing, lookedAt: now }, /^NotFound: pool "theirs\.one" on one has no volume web\.img to adopt/],
  ];
  for (const [wanted, seen, why] of refusals) t.match(words(wanted, seen)[0], why);
  const { format: _format, ...unsaid } = desired();
  t.match(words(unsaid, observed()), [/^Unfit: spec\.format: left out; say what web\.img is/]);
  t.strictSame(words(desired(), nothing), ['look'], 'the host looks first');
});

t.test('what was never taken is not deleted, whatever the policy', async (t) => {
  const going = { want: 'absent', keep: false } as const;
  t.strictSame(words(desired(going), observed({ marker: volume })), []);
  const whole = { failures: 0, retryAt: 0, startedAt: 1, completedAt: 2 };
  t.strictSame(words(desired({ ...going, record: whole, rival: 'shop/other' }), observed()), [], 'nor what another object has');
  t.strictSame(words(desired({ ...going, record: whole }), observed()), ['delete']);
});
