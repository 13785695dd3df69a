import assert from 'node:assert/strict';
import t from 'tap';
import type { StoragePoolInstance, StorageVolume, StorageVolumeStatus } from '#crds/types.js';
import type { MachineId, Pool, PoolId, Volume } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { Behind } from '#drivers/fake/behind.js';
import { everything } from '#drivers/fake/capabilities.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { timestamp } from '../conditions.js';
import { type JobState, Jobs } from '../host/jobs.js';
import { Locks } from '../host/locks.js';
import { HostView } from '../host/view.js';
import { createStore } from '../kubernetes/store.js';
import type { Namespace } from '../namespaces.js';
import type { Findings } from '../reconcile.js';
import { indexes } from '../stores.js';
import type { DesiredVolume, ObservedVolume, VolumeAction } from './action.js';
import { beginVolume } from './fill.js';
import { Inspections } from './inspect.js';
import { storageVolumeKind } from './kind.js';
import { planVolume } from './plan.js';
import { reportVolume } from './report.js';
import { resolveVolume } from './resolve.js';
import { Uploads } from './uploads.js';

const now = Date.UTC(2030, 0);
const pool: Pool = {
  id: 'pool' as PoolId,
  uuid: 'pu',
  nativeName: 'fast',
  active: true,
  path: '/p',
  formats: ['Qcow2', 'Raw'],
  can: ['create', 'delete', 'grow', 'stream'],
  capacityBytes: 1e9,
  allocationBytes: 0,
  availableBytes: 1e9,
};
const named = (nativeName: string, sizeBytes = 2 ** 30): Volume => ({
  id: { pool: pool.id, nativeName },
  location: `/p/${nativeName}`,
  format: 'Qcow2',
  sizeBytes,
  allocationBytes: 0,
});
const volume = named('shop.root-12345678');
const marker = named('shop.root-12345678.incomplete', 0);
const claim = { machine: 'web', uid: 'web-uid' };
const user = (off: boolean, ownerUid?: string) => ({ id: 'm' as MachineId, nativeName: 'm', off, ...(ownerUid && { ownerUid }) });
const noStores = () => ({
  instances: createStore<StoragePoolInstance, 'pool'>({ indexes: indexes.instances }),
  volumes: createStore<StorageVolume, 'instance' | 'claim' | 'source'>({ indexes: indexes.volumes }),
  namespaces: createStore<Namespace>(),
});
const none = { failures: 0, retryAt: 0 };
const started = { ...none, startedAt: now - 1_000 };
const whole = { ...started, completedAt: now };
const desiredWith = (given: Partial<DesiredVolume> = {}): DesiredVolume => ({
  want: 'present',
  host: 'one',
  uid: 'v-1',
  poolUuid: 'pu',
  poolName: 'fast.one',
  poolComes: true,
  nativeName: volume.id.nativeName,
  tenant: 'shop',
  familyName: 'shop.root',
  format: 'Qcow2',
  formatField: 'spec.format',
  sizeBytes: 2 ** 30,
  keep: true,
  wipe: false,
  clones: [],
  capabilities: everything,
  record: none,
  ...given,
});
const nothing = { leftovers: [], users: [], sourceUsers: [], linked: [] };
const planOf = (desired: Partial<DesiredVolume>, observed: Partial<ObservedVolume> = {}, at = now) =>
  planVolume(desiredWith(desired), { pool, ...nothing, ...observed }, at);
const words = (plan: ReturnType<typeof planOf>) =>
  plan.map((one) => (one.kind === 'act' ? `${one.sayFirst ? 'say, ' : ''}${one.action.kind}` : `${one.kind} ${one.reason}`));
const image = { kind: 'image', url: 'https://images.example.org/a', format: 'Qcow2', granted: [] } as const;
const running: JobState = { kind: 'running', startedAt: now, progressBytes: 3 * 2 ** 20 + 5 };
const failed: JobState = { kind: 'failed', at: now, verdict: 'retry', reason: 'Unavailable', message: 'broke' };
const refused: JobState = { ...failed, verdict: 'stall', reason: 'ChecksumMismatch' };
const leftover = (nativeName: string, isWhole = true, inspected = true) => ({ nativeName, whole: isWhole, inspected });

const devices: Pool = { ...pool, formats: ['Raw'], can: ['create', 'delete', 'stream'] };

t.test('what is done with a volume in each state', async (t) => {
  const left = { leftovers: [leftover('shop.root-00000000')] };
  const unseen = { leftovers: [leftover('shop.root-00000000', true, false)] };
  const unreadVolume = { ...volume, unread: 'access denied' };
  const two = { leftovers: [...left.leftovers, leftover('shop.root-11111111')] };
  const toDelete = { want: 'absent', record: whole, keep: false } as const;
  const tree = { ...volume, format: 'Directory' } as const;
  const toWipe = { want: 'absent', record: whole, keep: false, wipe: true } as const;
  const small = { record: whole, sizeBytes: 2 ** 31, claim };
  const rows: readonly (readonly [string, Partial<DesiredVolume>, Partial<ObservedVolume>, readonly string[]])[] = [
    ['no pool yet', {}, { pool: { ...pool, active: false } }, ['wait WaitingForPool']],
    ['nothing there', {}, {}, ['begin']],
    ['nothing there but our mark', {}, { marker }, ['say, fill']],
    ['something there beside our mark', {}, { marker, volume }, ['refuse NotOurs']],
    ['something there that was never begun', {}, { volume }, ['refuse NotOurs']],
    ['an earlier one left', {}, left, ['refuse RestoredOrCopied']],
    ['an earlier one, to be taken over', { takeOver: 'shop.root-00000000' }, two, ['say, takeOver']],
    ['one earlier, take whichever', { takeOver: 'All' }, left, ['say, takeOver']],
    ['one earlier, not looked into yet', { takeOver: 'All' }, unseen, ['inspect']],
    ['one earlier without a header', { takeOver: 'All', format: 'Raw' }, unseen, ['say, takeOver']],
    ['several, take whichever', { takeOver: 'All' }, two, ['refuse RestoredOrCopied']],
    [
      'an earlier one that is incomplete',
      { takeOver: 'All' },
      { leftovers: [leftover('shop.root-00000000', false)] },
      ['refuse Incomplete'],
    ],
    ['an earlier one, to be left alone', { takeOver: 'None' }, left, ['begin']],
    ['begun, and forgotten', { record: started }, { volume, marker }, ['say, fill']],
    ["begun, and whole by the host's word", { record: started }, { volume }, ['say, complete']],
    ['begun, and a disk of somebody', { record: started }, { volume, marker, users: [user(true)] }, ['wait InUse']],
    ['begun, and made without content', { record: started }, { volume, marker, job: running }, ['wait Provisioning']],
    ['begun, and fetched', { record: started, source: image }, { volume, marker, job: running }, ['wait Importing']],
    ['begun, and all there', { record: started }, { volume, marker, job: { kind: 'done' } }, ['say, complete']],
    ['begun, and failed', { record: started }, { job: failed }, ['wait ImportFailed']],
    ['begun, and refused', { record: started }, { job: refused }, ['refuse ChecksumMismatch', 'wait ImportFailed']],
    ['failed, and told of', { record: { ...started, failures: 1, retryAt: now + 5_000 } }, { job: failed }, ['wait ImportFailed']],
    ['failed, and due', { record: { ...started, failures: 1, retryAt: now } }, { job: failed }, ['say, fill']],
    ['failed, and the agent is new', { record: { ...started, failures: 1, retryAt: now + 1 } }, {}, ['wait ImportFailed']],
    ['whole', { record: whole }, { volume }, []],
    ['whole, its mark still there', { record: whole }, { volume, marker }, ['delete']],
    ['whole, and not seen', { record: whole }, {}, ['look']],
    ['whole, and gone', { record: whole }, { lookedAt: now }, ['refuse Lost', 'wait Looking']],
    ['whole, and not read', { record: whole }, { unreadVolume }, ['look']],
    ['whole, and not read again', { record: whole }, { unreadVolume, lookedAt: now }, ['refuse Unreadable', 'wait Looking']],
    ['something there that cannot be read', {}, { unreadVolume, lookedAt: now }, ['refuse Unreadable', 'wait Looking']],
    ['begun, unmarked, and not read', { record: started }, { unreadVolume }, ['look']],
    ['begun, unmarked, and not read again', { record: started }, { unreadVolume, lookedAt: now }, ['refuse Unreadable', 'wait Looking']],
    ['begun, marked, and not read', { record: started }, { unreadVolume, marker, lookedAt: now }, ['say, fill']],
    ['deleted, and not read', { want: 'absent', record: whole, keep: false }, { unreadVolume }, ['delete']],
    ['deleted, and not read to be wiped', toWipe, { unreadVolume }, ['wipe']],
    ['gone for long', { record: whole }, { lookedAt: now - 6 * 60_000 }, ['look']],
    ['too small, where nothing grows', { record: whole, sizeBytes: 2 ** 31 }, { volume, pool: devices }, ['refuse CannotGrow']],
    ['whole, and too small', { record: whole, sizeBytes: 2 ** 31 }, { volume }, ['grow']],
    ['too small, in use', { record: whole, sizeBytes: 2 ** 31 }, { volume, users: [user(false)] }, ['wait GrowsWhenOff']],
    ['too small, on a machine of somebody else', small, { volume, users: [user(false, 'other')] }, ['wait GrowsWhenOff']],
    ['too small, on its machine', small, { volume, users: [user(false, claim.uid)] }, ['growAttached']],
    ['too small, on two', small, { volume, users: [user(false, claim.uid), user(false)] }, ['wait GrowsWhenOff']],
    [
      'too small, on its machine, on a host that cannot',
      { ...small, capabilities: [] },
      { volume, users: [user(false, claim.uid)] },
      ['wait GrowsWhenOff'],
    ],
    ['too small, its machine is off', { record: whole, sizeBytes: 2 ** 31 }, { volume, users: [user(true)] }, ['grow']],
    ['larger than asked', { record: whole, sizeBytes: 5 }, { volume }, []],
    ['deleted, never begun, a stranger there', { want: 'absent' }, { volume }, []],
    ['deleted, claimed', { want: 'absent', record: whole, claim }, { volume }, ['wait InUse']],
    ['deleted, retained, its mark still there', { want: 'absent', record: whole }, { volume, marker }, ['delete']],
    ['deleted, retained', { want: 'absent', record: whole }, { volume }, []],
    ['deleted, retained, but never whole', { want: 'absent', record: started }, { volume, marker }, ['delete', 'delete']],
    ['deleted before it was begun', { want: 'absent' }, { marker }, ['delete']],
    ['deleted before it was begun, its pool is off', { want: 'absent' }, { pool: { ...pool, active: false } }, ['wait WaitingForPool']],
    ['deleted before it was begun, its pool goes too', { want: 'absent', poolComes: false }, { pool: { ...pool, active: false } }, []],
    ['deleted, and another has its name', { want: 'absent' }, { volume }, []],
    ['deleted while it is filled', { want: 'absent', record: started }, { volume, marker, job: running }, ['cancel']],
    ['deleted, not retained', { want: 'absent', record: whole, keep: false }, { volume }, ['delete']],
    ['deleted, a disk of somebody', { want: 'absent', record: whole, keep: false }, { volume, users: [user(true)] }, ['wait InUse']],
    [
      'deleted, beside a machine that hangs',
      { want: 'absent', record: whole, keep: false },
      { volume, unread: 'm hangs' },
      ['wait UseUnknown'],
    ],
    ['deleted, retained, beside a machine that hangs', { want: 'absent', record: whole }, { volume, marker, unread: 'm' }, ['delete']],
    ['begun, beside a machine that hangs', { record: started }, { volume, marker, unread: 'm hangs' }, ['wait UseUnknown']],
    ['to be wiped', toWipe, { volume }, ['wipe']],
    ['being wiped', toWipe, { volume, wiping: running }, ['wait Wiping']],
    ['wiped', toWipe, { volume, wiping: { kind: 'done' } }, ['delete']],
    ['wiping failed', toWipe, { volume, wiping: failed }, ['wait WipeFailed']],
    ['a directory', toDelete, { volume: tree }, ['deleteTree']],
    ['a directory to be wiped', toWipe, { volume: tree }, ['refuse Unfit']],
    ['a directory being deleted', toDelete, { volume: tree, deleting: running }, ['wait Deleting']],
    [
      'a directory being deleted that somebody uses',
      toDelete,
      { volume: tree, deleting: running, users: [user(false)] },
      ['stopDeleting', 'wait InUse'],
    ],
    ['a directory that could not be', toDelete, { volume: tree, deleting: failed }, ['wait DeletionFailed']],
    ['a directory that could not be a while ago', toDelete, { volume: tree, deleting: { ...failed, at: now - 60_000 } }, ['deleteTree']],
    ['a directory that is gone', toDelete, { marker, deleting: { kind: 'done' } }, ['delete']],
    ['wiping failed a while ago', toWipe, { volume, wiping: { ...failed, at: now - 60_000 } }, ['wipe']],
    ['to be wiped, and a disk of somebody', toWipe, { volume, users: [user(true)] }, ['wait InUse']],
    ['to be wiped where nothing is', { ...toWipe, capabilities: [] }, { volume }, ['refuse Unfit']],
    ['deleted, and gone', { want: 'absent', record: whole, keep: false }, {}, []],
    [
      'deleted, its pool is not active',
      { want: 'absent', record: whole, keep: false },
      { pool: { ...pool, active: false } },
      ['wait WaitingForPool'],
    ],
  ];
  for (const [name, desired, observed, expected] of rows) t.same(words(planOf(desired, observed)), expected, name);
  t.match(planOf({ record: started }, { job: failed }, now + 1), [
    { recheckMs: 4_999, because: 'broke; next try at 2030-01-01T00:00:05Z' },
  ]);
});

const resourceWith = (status: StorageVolumeStatus): StorageVolume => ({
  apiVersion: 'virtwright.io/v1alpha1',
  kind: 'StorageVolume',
  metadata: {
    name: 'root',
    namespace: 'shop',
    uid: '12345678-2222-4333-8444-555555555555',
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: '2030-01-01T00:00:00Z',
  },
  spec: { size: '1Gi', format: 'Qcow2', reclaimPolicy: 'Retain' },
  status,
});
type Found = Findings<DesiredVolume, ObservedVolume, VolumeAction>;
/** The status of a volume that is looked at again and again, as the record it leaves says. */
function reported(status: StorageVolumeStatus, observed: Partial<ObservedVolume>, at = now, failure?: DriverError): StorageVolumeStatus {
  const { startedAt, completedAt, failures = 0, retryAt } = status.import ?? {};
  const record = {
    failures,
    retryAt: retryAt === undefined ? 0 : Date.parse(retryAt),
    ...(startedAt === undefined ? {} : { startedAt: Date.parse(startedAt) }),
    ...(completedAt === undefined ? {} : { completedAt: Date.parse(completedAt) }),
  };
  const desired = desiredWith({ record, sizeBytes: 2 ** 30 });
  const seen: ObservedVolume = { pool, ...nothing, ...observed };
  const found: Found = {
    desired,
    observed: seen,
    plan: planVolume(desired, seen, at),
    now: at,
    ...(failure === undefined ? {} : { failure }),
  };
  return reportVolume(resourceWith(status), found);
}
const readyOf = ({ conditions = [] }: StorageVolumeStatus) =>
  conditions.filter(({ type }) => type === 'Ready').map(({ status, reason }) => `${status} ${reason}`)[0];

t.test('a failed import is counted once, and its wait grows with each', async (t) => {
  let status = reported({}, { marker });
  t.match(status.import, { startedAt: '2030-01-01T00:00:00Z' });
  const waits: number[] = [];
  let at = now;
  for (let failure = 1; failure <= 8; failure++) {
    const job = { ...failed, at };
    status = reported(status, { job }, at);
    t.match(status.import, { failures: failure, lastFailure: 'broke' });
    t.same(reported(status, { job }, at + 1), status, 'the next look has no news');
    const due = Date.parse(status.import?.retryAt ?? '');
    waits.push((due - at) / 1_000);
    at = due;
    status = reported(status, { job }, at);
    t.equal(status.import?.retryAt, undefined, 'begun anew');
    t.match(status.import, { firstStartedAt: '2030-01-01T00:00:00Z', startedAt: timestamp(at) });
  }
  t.same(waits, [5, 10, 20, 40, 80, 160, 300, 300]);
  status = reported(status, { job: { kind: 'done' } }, at);
  t.same(Object.keys(status.import ?? {}), ['startedAt', 'completedAt']);
  t.equal(readyOf(reported(status, { volume }, at)), 'True Ready');
});

t.test('only what is whole is ready, and a volume that cannot grow stays so', async (t) => {
  t.match(readyOf(reported({}, {})), /^False/);
  t.match(readyOf(reported({ import: { startedAt: '2030-01-01T00:00:00Z' } }, { volume, marker, job: running })), /^False/);
  const filled = { marker, job: { kind: 'done' } } as const;
  const begun = { import: { startedAt: '2030-01-01T00:00:00Z' } };
  t.equal(readyOf(reported(begun, { ...filled, volume })), 'True Ready', 'in the write that notes it');
  const noted = reported(begun, { ...filled, volume });
  t.same(reported(noted, { volume }), noted, 'which is the last');
  t.match(readyOf(reported(begun, filled)), /^False/, 'but not one that is not seen');
  t.match(readyOf(reported(begun, { ...filled, volume }, now, new DriverError('Unavailable', 'gone'))), /^Unknown/);
  const done: StorageVolumeStatus = { import: { startedAt: '2030-01-01T00:00:00Z', completedAt: '2030-01-01T00:00:00Z' } };
  t.equal(readyOf(reported(done, { lookedAt: now })), 'False Lost');
  const small = { volume: named(volume.id.nativeName, 5) };
  t.equal(readyOf(reported(done, small)), 'True Growing');
  t.equal(readyOf(reported(done, { ...small, users: [user(false)] })), 'True GrowsWhenOff');
  t.equal(readyOf(reported(done, { ...small, pool: devices })), 'True CannotGrow');
  t.equal(readyOf(reported(done, small, now, new DriverError('Exhausted', 'no room'))), 'True Exhausted');
  t.equal(readyOf(reported(done, small, now, new DriverError('Unavailable', 'gone'))), 'Unknown Unavailable');
  t.match(reported({ ...done, location: '/p/kept', virtualSize: '1Gi', claim: { machine: 'web', uid: 'u' } }, {}), {
    location: '/p/kept',
    virtualSize: '1Gi',
    claim: { uid: 'u' },
  });
});

/** A pool at /p, not active yet. */
async function store() {
  const host = new FakeHost();
  const driver = fakeDriver(host);
  const behind = new Behind(host);
  const signal = AbortSignal.timeout(10_000);
  behind.pool('11111111-2222-4333-8444-555555555555', 'fast', '/p');
  const [seen] = (await driver.pools?.list(signal)) ?? [];
  const { volumes } = driver;
  assert(seen !== undefined && volumes !== undefined);
  return { host, behind, volumes, pool: seen.id, start: async () => driver.pools?.start(seen.id, signal), signal };
}

t.test('a volume is begun only where a fresh look finds nothing of its name', async (t) => {
  const { host, behind, volumes, pool: id, start, signal } = await store();
  await start();
  const begin = async (nativeName: string, known: readonly string[] = []) => {
    await beginVolume(volumes, { kind: 'begin', id: { pool: id, nativeName }, familyName: 'shop.root', known }, signal);
    return host.hasFile(`/p/${nativeName}.incomplete`);
  };
  t.equal(await begin('shop.root-aaaaaaaa'), true);
  behind.putFile('/p/shop.root-bbbbbbbb', Buffer.from('theirs'));
  t.equal(await begin('shop.root-bbbbbbbb'), false, 'the store had not told of it');
  t.equal(await begin('shop.root-cccccccc'), false, 'beside an earlier one');
  t.equal(await begin('shop.root-cccccccc', ['shop.root-bbbbbbbb']), true, 'that is known, and left alone');
});

t.test('of a volume that is gone nobody is told to delete what a machine of ours may have in a drive', (t) => {
  const movedTo = { machine: 'shop.web', location: 'D:\\else\\root.vhdx' };
  const told = (moved: Partial<ObservedVolume>) => planOf({ record: whole }, { lookedAt: now, ...moved })[0];
  t.match(told({}), { reason: 'Lost', because: /; put it back, or delete this object and make a new one$/ });
  const words =
    /; machine shop[.]web has D:.else.root[.]vhdx in a drive, which may be it: move it back, and do not delete this object before$/;
  t.match(told({ movedTo }), { reason: 'Lost', because: words });
  t.end();
});

t.test('a former volume whose guest made it look like an image with a backing file is not taken over', async (t) => {
  const { behind, volumes, pool: id, start, signal } = await store();
  // Version 2, 64 KiB clusters, 1 MiB; byte 8 says where the name of a backing file is.
  const head = (backingAt: number) => {
    const bytes = Buffer.alloc(4 * 65_536);
    bytes.write('QFI\xfb', 'latin1');
    for (const [at, value] of [
      [4, 2],
      [12, backingAt],
      [16, backingAt === 0 ? 0 : 11],
      [20, 16],
      [28, 2 ** 20],
      [36, 1],
      [44, 3 * 65_536],
      [52, 65_536],
      [56, 1],
    ] as const)
      bytes.writeUInt32BE(value, at);
    bytes.write('/etc/shadow', 200);
    return bytes;
  };
  behind.putFile('/p/plain', head(0));
  behind.putFile('/p/forged', head(200));
  behind.putFile('/p/raw', Buffer.from('no image at all'));
  await start();
  const inspections = new Inspections();
  const inspect = (nativeName: string) => inspections.inspect(volumes, { pool: id, nativeName }, 'Qcow2', signal);
  await inspect('plain');
  await t.rejects(inspect('forged'), { code: 'Invalid', message: /forged is not taken over as Qcow2 \(BackingFile\)/ });
  await t.rejects(inspect('raw'), { code: 'Invalid', message: /NotThisFormat/ });
  t.same(
    ['plain', 'forged', 'raw'].map((nativeName) => inspections.has({ pool: id, nativeName })),
    [true, false, false],
  );
});

t.test('what an interrupted fill left is seen at once, and a machine that runs is not resized beneath', async (t) => {
  const host = new FakeHost();
  const driver = fakeDriver(host);
  const signal = AbortSignal.timeout(10_000);
  const poolUuid = '11111111-2222-4333-8444-555555555555';
  const id = await driver.pools?.define({ uuid: poolUuid, nativeName: 'fast', source: { kind: 'directory', path: '/p' } }, signal);
  await driver.pools?.start(id as PoolId, signal);
  const view = new HostView(driver, () => {}, signal);
  let ended = () => {};
  const jobs = new Jobs(() => ended());
  const scope = { name: 'one', cluster: 'here', hypervisor: undefined, capabilities: [] };
  const kind = storageVolumeKind(scope, noStores(), jobs, new Locks(), new Uploads(() => {}));
  const around = { driver, view, clock: () => now };
  const of = { pool: id as PoolId, nativeName: 'shop.root-12345678' };
  const definition = { ...of, format: 'Raw' as const, sizeBytes: 100 };
  host.faults.fail('volumes.create', new DriverError('Unsupported', 'not that'), 1);
  const fill = async () => {
    const over = new Promise<void>((resolve) => {
      ended = resolve;
    });
    await kind.performers.fill.run(around, { kind: 'fill', uid: 'v-1', id: of, definition, grows: true, resumes: false }, signal);
    await over;
    await view.refresh({ volumesOf: poolUuid }, signal);
    return view.volumes(of.pool).map(({ id: { nativeName } }) => nativeName);
  };
  t.same(await fill(), []);
  t.match(jobs.get('v-1'), { kind: 'failed', at: now, reason: 'Unsupported' });
  host.faults.loseReply('volumes.create', 1);
  t.same(await fill(), ['shop.root-12345678.incomplete']);
  t.same((await fill()).sort(), ['shop.root-12345678', 'shop.root-12345678.incomplete']);
  host.faults.fail('volumes.delete', 'Internal');
  await t.rejects(kind.performers.complete.run(around, { kind: 'complete', uid: 'v-1', id: of }, signal), { code: 'Internal' });
  t.equal(jobs.get('v-1'), undefined);

  const behind = new Behind(host);
  const uuid = '22222222-2222-4333-8444-555555555555';
  behind.machine({ uuid, nativeName: 'm', shape: { disks: [{ name: 'root', location: '/p/shop.root-12345678', format: 'Raw' }] } });
  behind.start(uuid);
  const grow = () => kind.performers.grow.run(around, { kind: 'grow', id: of, location: '/p/shop.root-12345678', sizeBytes: 200 }, signal);
  await t.rejects(grow(), { code: 'Busy' });
  behind.destroy(uuid);
  view.dirtyMachine(host.byUuid(uuid)?.id as MachineId);
  await grow();
  await view.refresh({ volumesOf: poolUuid }, signal);
  t.match(
    view.volumes(of.pool).find(({ id: { nativeName } }) => nativeName === of.nativeName),
    { sizeBytes: 200 },
  );
});

t.test('a volume that the host cannot read is seen apart, with who uses it, and is nobody’s', async (t) => {
  const { host, behind, volumes, pool: id, start, signal } = await store();
  await start();
  const view = new HostView(fakeDriver(host), () => {}, signal);
  const poolUuid = '11111111-2222-4333-8444-555555555555';
  const scope = { name: 'one', cluster: 'here', hypervisor: undefined, capabilities: [] };
  const kind = storageVolumeKind(scope, noStores(), new Jobs(() => {}), new Locks(), new Uploads(() => {}));
  const definition = { pool: id, nativeName: volume.id.nativeName, format: 'Raw', sizeBytes: 2 ** 30 } as const;
  await volumes.create(definition, signal);
  const file = host.directory('/p').get(volume.id.nativeName);
  assert(file !== undefined);
  file.unread = 'access denied; let it in';
  const disks = [{ name: 'root', location: `/p/${volume.id.nativeName}`, format: 'Raw' }] as const;
  behind.machine({ uuid: '22222222-2222-4333-8444-555555555555', nativeName: 'm', shape: { disks } });
  await view.refresh({ machines: true, volumesOf: poolUuid }, signal);
  t.same([view.volumes(id), view.unreadVolumes(id).length], [[], 1]);
  const seen = (given: Partial<DesiredVolume>) => {
    const desired = desiredWith({ poolUuid, format: 'Raw', ...given });
    return words(planVolume(desired, kind.observe(desired, view), now));
  };
  t.same(seen({ record: whole }), ['look']);
  t.same(seen({ want: 'absent', record: whole, keep: false }), ['wait InUse']);
  t.same(seen({ nativeName: 'shop.root-99999999' }), ['refuse RestoredOrCopied'], 'it is left of an earlier one, and not passed over');
  const look = { kind: 'look', id: { pool: id, nativeName: volume.id.nativeName } } as const;
  await kind.performers.look.run({ driver: fakeDriver(host), view, clock: () => now }, look, signal);
  t.same(seen({ record: whole }), ['refuse Unreadable', 'wait Looking']);
});

t.test('no directory is deleted beneath a container, and no container starts with one that is being deleted', async (t) => {
  const host = new FakeHost();
  const driver = fakeDriver(host);
  const signal = AbortSignal.timeout(10_000);
  const poolUuid = '11111111-2222-4333-8444-555555555555';
  const id = await driver.pools?.define({ uuid: poolUuid, nativeName: 'fast', source: { kind: 'directory', path: '/p' } }, signal);
  await driver.pools?.start(id as PoolId, signal);
  const of = { pool: id as PoolId, nativeName: 'shop.tree-12345678' };
  const location = `/p/${of.nativeName}`;
  await driver.volumes?.create({ ...of, format: 'Raw', sizeBytes: 100 }, signal);
  const view = new HostView(driver, () => {}, signal);
  const jobs = new Jobs(() => {});
  const locks = new Locks();
  const scope = { name: 'one', cluster: 'here', hypervisor: undefined, capabilities: [] };
  const { performers } = storageVolumeKind(scope, noStores(), jobs, locks, new Uploads(() => {}));
  const around = { driver, view, clock: () => now };
  const deleteTree = () => performers.deleteTree.run(around, { kind: 'deleteTree', uid: 'v-1', id: of, location }, signal);

  const behind = new Behind(host);
  const uuid = '22222222-2222-4333-8444-555555555555';
  behind.machine({ uuid, nativeName: 'm', shape: { container: { root: location, init: ['/init'] } } });
  await t.rejects(deleteTree(), { code: 'Busy' }, 'a container that nobody has seen so far');
  t.equal(jobs.get('v-1/delete'), undefined);
  behind.undefine(uuid);

  host.faults.slow('volumes.delete', 3_600_000);
  await deleteTree();
  t.match(locks.occupied([location]), /being deleted/);
  await performers.stopDeleting.run(around, { kind: 'stopDeleting', uid: 'v-1', id: of }, signal);
  t.equal(jobs.get('v-1/delete'), undefined);
  t.equal(locks.occupied([location]), undefined);
});

/** As it is planned when nobody says a format. */
const planSilent = (given: Partial<DesiredVolume> = {}, observed: Partial<ObservedVolume> = {}) => {
  const { format: _, ...silent } = desiredWith(given);
  const seen: ObservedVolume = { pool, marker, ...nothing, ...observed };
  return { silent, seen, plan: planVolume(silent, seen, now) };
};

t.test("a volume has the format that is asked, or the pool's best, recorded before it is made", async (t) => {
  const { silent, seen, plan } = planSilent();
  t.match(plan, [{ kind: 'act', sayFirst: true, action: { kind: 'fill', definition: { format: 'Qcow2' } } }]);
  const report = (status: StorageVolumeStatus) => reportVolume(resourceWith(status), { desired: silent, observed: seen, plan, now });
  t.equal(report({}).format, 'Qcow2');
  t.equal(report({ format: 'Vmdk' }).format, 'Vmdk', 'what is recorded stays');
  const datastore = { pool: { ...pool, formats: ['Vmdk' as const] } };
  t.match(planSilent({}, datastore).plan, [{ action: { definition: { format: 'Vmdk' } } }]);
  t.match(planOf({ format: 'Raw' }, { marker }), [{ action: { definition: { format: 'Raw' } } }]);
});

t.test('a format that its pool has not is refused by name, before anything is made', async (t) => {
  const datastore = { pool: { ...pool, formats: ['Vmdk' as const] } };
  t.match(planOf({}, datastore), [
    { kind: 'refuse', reason: 'Unfit', because: 'spec.format: Qcow2 given, pool "fast.one" on one accepts Vmdk' },
  ]);
  t.match(planOf({ formatField: 'spec.source.format' }, datastore), [{ because: /^spec\.source\.format: Qcow2 given/ }]);
  t.match(
    planSilent({ preferred: 'Vhdx' }, datastore).plan,
    [{ kind: 'refuse', because: /: Vhdx given/ }],
    'nothing is converted into Vmdk',
  );
  t.match(planSilent({ preferred: 'Raw' }).plan, [{ action: { definition: { format: 'Raw' } } }], 'the source as it is');
  t.match(planSilent({ preferred: 'Vhdx' }).plan, [{ action: { definition: { format: 'Qcow2' } } }], 'or converted');
  const unknown = { pool: { ...pool, formats: [] } };
  t.match(planOf({}, unknown), [{ because: /accepts no volumes at all$/ }]);
  t.match(planSilent({}, unknown).plan, [{ kind: 'refuse', because: /nothing given/ }]);
  t.same(words(planOf({ record: whole }, { ...datastore, volume })), [], 'what is there stays');
});

t.test('an image is made into what its pool has, as a disk of Hyper-V', async (t) => {
  const folder = (...formats: Pool['formats']) => ({ pool: { ...pool, formats } });
  for (const preferred of ['Qcow2', 'Vmdk'] as const)
    t.match(planSilent({ preferred }, folder('Vhdx', 'Vhd', 'Raw')).plan, [{ action: { definition: { format: 'Vhdx' } } }]);
  t.match(planSilent({ preferred: 'Vhdx' }, folder('Vhd', 'Raw')).plan, [{ action: { definition: { format: 'Vhd' } } }]);
});

t.test('nothing is fetched for a pool that takes no content, and why is told', async (t) => {
  const closed: Pool = { ...pool, can: ['create', 'delete', 'grow'], noStream: 'smb=off in the URI' };
  const upload = { kind: 'upload', format: 'Qcow2', command: 'virtwright upload' } as const;
  const because = 'spec.source: given, pool "fast.one" on one takes no content: smb=off in the URI';
  for (const source of [image, upload])
    for (const seen of [{ pool: closed }, { pool: closed, marker }])
      t.match(planOf({ source }, seen), [{ kind: 'refuse', reason: 'Unfit', because }], source.kind);
  const { noStream: _, ...silent } = closed;
  t.match(planOf({ source: image }, { pool: silent }), [{ because: /takes no content: its volumes are made empty$/ }]);
  t.match(planOf({}, { pool: closed, marker }), [{ action: { kind: 'fill' } }], 'an empty one is made');
});

t.test('what an earlier object left is taken over as what it would be made as now', async (t) => {
  const left = { leftovers: [leftover('shop.root-00000000')] };
  const { silent, seen, plan } = planSilent({ takeOver: 'All' }, left);
  t.match(plan, [{ sayFirst: true, action: { kind: 'takeOver', format: 'Qcow2' } }]);
  t.equal(reportVolume(resourceWith({}), { desired: silent, observed: seen, plan, now }).format, 'Qcow2');
  t.match(planOf({ takeOver: 'All', format: 'Raw' }, left), [{ action: { kind: 'takeOver', format: 'Raw' } }]);
  t.match(planOf({ takeOver: 'All', format: 'Vmdk' }, left), [{ kind: 'refuse', reason: 'Unfit' }]);
});

t.test('the format comes from the record, else the spec, else the image', async (t) => {
  const scope = { name: 'one', cluster: 'here', hypervisor: undefined, capabilities: [] };
  const stores = noStores();
  const of = (spec: Partial<StorageVolume['spec']>, status: StorageVolumeStatus = {}) => {
    const { format: _, ...bare } = resourceWith({}).spec;
    const resource = { ...resourceWith(status), spec: { ...bare, ...spec } };
    const found = resolveVolume({ ...resource, metadata: { ...resource.metadata, deletionTimestamp: 'now' } }, scope, stores);
    if (found.kind !== 'desired') return [];
    const { format, formatField, preferred } = found.desired;
    return [format, formatField, ...(preferred === undefined ? [] : [preferred])];
  };
  const source = { url: 'https://images.example.org/a', format: 'Raw' as const };
  t.same(of({}), [undefined, 'spec.format']);
  t.same(of({ format: 'Vmdk' }), ['Vmdk', 'spec.format']);
  t.same(of({ source }), [undefined, 'spec.source.format', 'Raw']);
  t.same(of({}, { format: 'Qcow2' }), ['Qcow2', 'spec.format']);
});
