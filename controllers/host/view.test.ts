import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { MachineId, PoolId } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { Behind } from '#drivers/fake/behind.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { Jobs, type Work } from './jobs.js';
import { Locks } from './locks.js';
import { type Changes, HostView } from './view.js';

const uuids = ['1', '2', '3'].map((digit) => `${digit.repeat(8)}-2222-4333-8444-555555555555`);
const [one = '', two = ''] = uuids;
const soon = () => AbortSignal.timeout(10_000);

async function scene() {
  const host = new FakeHost();
  const behind = new Behind(host);
  for (const uuid of uuids) behind.machine({ uuid, nativeName: `m${uuid[0]}` });
  behind.pool('44444444-2222-4333-8444-555555555555', 'fast', '/p');
  const changes: Changes[] = [];
  const view = new HostView(fakeDriver(host), (change) => changes.push(change), soon());
  await view.refreshAll(soon());
  host.calls.length = changes.length = 0;
  const id = (uuid: string) => host.byUuid(uuid)?.id as MachineId;
  return { host, behind, view, changes, id };
}

t.test('a view reads what is marked, all of it in one batch, and nothing else', async (t) => {
  const { host, behind, view, changes, id } = await scene();
  t.equal(view.machines.length, 3);
  await view.refreshAll(soon());
  t.same(host.calls, [], 'nothing is marked');
  behind.start(one);
  view.dirtyMachine(id(one));
  view.heed({ kind: 'machine', id: id(two) });
  await Promise.all([view.refreshAll(soon()), view.refreshAll(soon())]);
  t.same(host.calls, ['machines.read 2']);
  t.equal(view.machineByUuid(one)?.power.state, 'On');
  t.same(
    changes.map(({ machines }) => machines.map(({ uuid }) => uuid)),
    [[one]],
  );
});

t.test('nobody is told of what is as it was', async (t) => {
  const { behind, view, changes, id } = await scene();
  const pool = view.pools[0];
  await view.refresh({ volumesOf: pool?.uuid ?? '' }, soon());
  changes.length = 0;
  view.dirtyMachine(id(one));
  view.dirtyPool(pool?.id as PoolId);
  await view.resync(soon());
  t.same(changes, []);
  behind.edit(one, { cpuCount: 7 });
  behind.undefinePool('44444444-2222-4333-8444-555555555555');
  await view.resync(soon());
  t.same([changes.flatMap(({ machines }) => machines.map(({ uuid }) => uuid)), changes.some(({ pools }) => pools)], [[one], true]);
});

t.test('a pool that is gone is forgotten with what was in it, and looked into anew when it is back', async (t) => {
  const { host, behind, view } = await scene();
  const uuid = '44444444-2222-4333-8444-555555555555';
  const look = async () => {
    view.gap();
    await view.refresh({ volumesOf: uuid }, soon());
    return view.pools.flatMap(({ id }) => view.volumes(id).map((volume) => volume.id.nativeName));
  };
  behind.putFile('/p/first', Buffer.from('x'));
  await fakeDriver(host).pools?.start(view.pools[0]?.id as PoolId, soon());
  t.same(await look(), ['first']);
  const { id } = view.pools[0] as { id: PoolId };
  behind.undefinePool(uuid);
  t.same(await look(), []);
  t.same(view.volumes(id), []);
  behind.putFile('/p/second', Buffer.from('x'));
  behind.pool(uuid, 'fast', '/p');
  await look();
  await fakeDriver(host).pools?.start(view.pools[0]?.id as PoolId, soon());
  t.same((await look()).sort(), ['first', 'second']);
});

t.test('after a gap everything is listed; a glance marks what is new, gone or in another state', async (t) => {
  const { host, behind, view, changes, id } = await scene();
  behind.undefine(one);
  behind.machine({ uuid: '55555555-2222-4333-8444-555555555555', nativeName: 'm5' });
  behind.start(two);
  await view.glance(soon());
  await view.refreshAll(soon());
  t.same(host.calls, ['machines.list', 'machines.read 3']);
  t.same([view.machineByName('m1'), view.machineByName('m2')?.power.state, view.machineByName('m5')?.uuid[0]], [undefined, 'On', '5']);
  t.same(
    changes[0]?.gone.map(({ uuid }) => uuid),
    [one],
  );
  host.calls.length = 0;
  behind.edit(two, { cpuCount: 7 });
  await view.glance(soon());
  await view.refreshAll(soon());
  t.equal(view.machineByName('m2')?.configured?.cpuCount, 1, 'an edit shows in no glance');
  view.heed({ kind: 'gap' });
  await view.refreshAll(soon());
  t.equal(view.machineByName('m2')?.configured?.cpuCount, 7);
  t.match(host.calls, ['machines.list', 'machines.list', /read|pools/]);
  t.ok(id(two));
});

t.test('whoever refreshes while a read is under way waits for what that read has taken', async (t) => {
  const { host, behind, view, id } = await scene();
  host.faults.slow('machines.read', 100);
  behind.start(one);
  view.dirtyMachine(id(one));
  const first = view.refreshAll(soon());
  let seen: string | undefined;
  const second = view.refreshAll(soon()).then(() => {
    seen = view.machineByUuid(one)?.power.state;
  });
  await sleep(5);
  t.equal(seen, undefined);
  host.clock.advance(100);
  await Promise.all([first, second]);
  t.equal(seen, 'On');

  view.dirtyMachine(id(one));
  const reading = view.refreshAll(soon());
  behind.start(two);
  view.dirtyMachine(id(two));
  const later = view.refreshAll(soon());
  const gaveUp = view.refreshAll(AbortSignal.abort(new Error('enough')));
  await t.rejects(gaveUp, { message: 'enough' }, 'one caller gives up, the others go on');
  for (let tick = 0; tick < 5; tick++) {
    await sleep(2);
    host.clock.advance(100);
  }
  await Promise.all([reading, later]);
  t.equal(view.machineByUuid(two)?.power.state, 'On');
});

t.test('a read that fails leaves its marks; what the other half saw is told', async (t) => {
  const { host, behind, view, changes } = await scene();
  behind.undefine(one);
  view.gap();
  host.faults.fail('pools.list', 'TimedOut');
  await t.rejects(view.refreshAll(soon()), { code: 'TimedOut' });
  t.same(
    changes.map(({ gone }) => gone.map(({ uuid }) => uuid)),
    [[one]],
  );
  host.faults.fail('machines.read', new DriverError('TimedOut', 'slow'));
  view.gap();
  await t.rejects(view.refreshAll(soon()), { code: 'TimedOut' });
  behind.start(two);
  await view.refreshAll(soon());
  t.equal(view.machineByUuid(two)?.power.state, 'On', 'read again without being marked again');
});

t.test('a machine that cannot be read hides no other, and whoever looks for it is told why', async (t) => {
  const { host, behind, view, changes, id } = await scene();
  const reason = new DriverError('TimedOut', 'no answer');
  host.guest(one, { unreadable: reason });
  view.gap();
  behind.start(two);
  await view.refreshAll(soon());
  t.equal(view.machineByUuid(two)?.power.state, 'On');
  t.throws(() => view.machineByUuid(one), { code: 'TimedOut', message: 'no answer' });
  t.throws(() => view.machineByName('m1'), { code: 'TimedOut' });
  t.match(view.unread, [{ glance: { uuid: one } }]);
  t.same(view.unseen, [], 'it was read before');
  const later = new HostView(fakeDriver(host), () => {}, soon());
  await later.refreshAll(soon());
  t.match(later.unseen, [{ glance: { uuid: one }, reason }]);
  host.calls.length = 0;
  t.ok(
    changes.some(({ machines }) => machines.some(({ uuid }) => uuid === one)),
    'whose it is is told to look',
  );

  host.faults.slow('machines.read', 100);
  host.calls.length = changes.length = 0;
  view.dirtyMachine(id(one));
  await view.refreshAll(soon());
  t.same(host.calls, ['machines.read 1'], 'it is tried again, and nobody waits for that');
  host.guest(one, {});
  host.clock.advance(100);
  await sleep(2);
  t.equal(view.machineByUuid(one)?.uuid, one);
  t.same(
    changes.map(({ machines }) => machines.map(({ uuid }) => uuid)),
    [[one]],
  );

  host.faults.slow('machines.read', 0);
  host.guest(one, { unreadable: reason });
  view.dirtyMachine(id(one));
  await view.refreshAll(soon());
  host.guest(one, {});
  behind.undefine(one);
  await view.glance(soon());
  await sleep(2);
  t.equal(view.machineByUuid(one), undefined, 'gone while it could not be read');
});

t.test('who looks at no store waits for none', async (t) => {
  const { host, behind, view, id } = await scene();
  const pools = ['a', 'b'].map((letter) => ({ uuid: `${letter.repeat(8)}-2222-4333-8444-555555555555`, path: `/${letter}` }));
  for (const { uuid, path } of pools) behind.pool(uuid, path.slice(1), path);
  behind.putFile('/a/disk', Buffer.from('x'));
  view.gap();
  await view.refreshAll(soon());
  for (const pool of view.pools) await fakeDriver(host).pools?.start(pool.id, soon());
  view.gap();
  host.faults.slow('volumes.list', 100);
  const slow = view.refresh({ volumesOf: pools[0]?.uuid ?? '' }, soon());
  await sleep(2);
  host.faults.slow('volumes.list', 0);
  behind.start(one);
  view.dirtyMachine(id(one));
  await view.refresh({ machines: true, volumesOf: pools[1]?.uuid ?? '' }, soon());
  t.equal(view.machineByUuid(one)?.power.state, 'On');
  const seen = () => view.volumes(view.pool(pools[0]?.uuid ?? '')?.id as PoolId).length;
  t.equal(seen(), 0, 'the other store has not answered yet');
  host.clock.advance(100);
  await slow;
  t.equal(seen(), 1);
});

t.test('pools and volumes are read when they are marked, and when they are new', async (t) => {
  const { host, behind, view, changes } = await scene();
  const driver = fakeDriver(host);
  const [pool] = view.pools;
  const id = pool?.id as PoolId;
  t.same([pool?.active, view.volumes(id)], [false, []]);
  behind.putFile('/p/disk', Buffer.from('x'));
  await driver.pools?.start(id, soon());
  view.heed({ kind: 'pool', id });
  await view.refreshAll(soon());
  t.same(view.volumes(id), [], 'nobody asked what is in it');
  await view.refresh({ volumesOf: pool?.uuid ?? '' }, soon());
  t.same(
    view.volumes(id).map(({ location }) => location),
    ['/p/disk'],
  );
  t.ok(changes.length > 0 && changes.every(({ pools }) => pools));
  await driver.volumes?.create({ pool: id, nativeName: 'other', format: 'Raw', sizeBytes: 1 }, soon());
  view.heed({ kind: 'pool', id });
  await view.refreshAll(soon());
  t.equal(view.volumes(id).length, 2, 'from then on it is kept fresh');
  t.match(changes.at(-1), { pools: false, volumes: ['other'] }, 'and what changed is named');
  await driver.volumes?.delete({ pool: id, nativeName: 'disk' }, soon());
  await driver.volumes?.grow({ pool: id, nativeName: 'other' }, 2, soon());
  view.heed({ kind: 'pool', id });
  await view.refreshAll(soon());
  t.same([...(changes.at(-1)?.volumes ?? [])].sort(), ['disk', 'other']);
  behind.undefinePool(pool?.uuid ?? '');
  await view.resync(soon());
  t.equal(view.pool(pool?.uuid ?? ''), undefined);
});

t.test('networks are listed when a hint or a gap says so, and are news only when they differ', async (t) => {
  const { host, behind, view, changes } = await scene();
  t.same(view.networks, []);
  behind.network('lan');
  await view.refresh({ networks: true }, soon());
  t.same(view.networks, [], 'nobody was told');
  const [id] = host.networks.keys();
  host.faults.fail('networks.list', 'Busy');
  if (id !== undefined) view.heed({ kind: 'network', id });
  await t.rejects(view.refresh({ networks: true }, soon()), { code: 'Busy' });
  await view.refresh({ networks: true }, soon());
  t.same(host.calls, ['networks.list', 'networks.list'], 'what could not be read is read again, and nothing else');
  t.match(view.networks, [{ nativeName: 'lan', active: true }]);
  await view.resync(soon());
  t.equal(changes.filter(({ networks }) => networks).length, 1);
});

t.test('locks are held one at a time, in the order asked, and nobody waits in a circle', async (t) => {
  const locks = new Locks();
  const log: string[] = [];
  const work = (name: string) => async () => {
    log.push(`${name} begins`);
    await sleep(2);
    log.push(`${name} ends`);
    if (name === 'b') throw new Error('b failed');
    return name;
  };
  const all = [
    locks.hold(['x', 'y', 'x'], work('a')),
    locks.hold(['y', 'x'], work('b')),
    locks.hold(['x'], work('c')),
    locks.hold([], work('free')),
  ];
  const ends = await Promise.allSettled(all);
  t.same(
    ends.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
  );
  t.same(
    log.filter((line) => !line.startsWith('free')),
    ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'],
  );
});

t.test('a job runs once per key, tells how it ended, and is cancelled', async (t) => {
  const ended: string[] = [];
  const jobs = new Jobs((key) => ended.push(key));
  const clock = () => 7;
  let finish: (reason?: Error) => void = () => {};
  let tell: (bytes: number) => void = () => {};
  let runs = 0;
  const work: Work = (progress, signal) => {
    runs++;
    tell = progress;
    return new Promise((resolve, reject) => {
      finish = (reason) => (reason === undefined ? resolve() : reject(reason));
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  };
  const settle = () => sleep(1);
  jobs.start('k', work, clock);
  jobs.start('k', work, clock);
  tell(5);
  t.same([runs, jobs.get('k')], [1, { kind: 'running', startedAt: 7, progressBytes: 5 }]);
  jobs.forget('k');
  t.match(jobs.get('k'), { kind: 'running' });
  finish(new DriverError('Denied', 'no'));
  await settle();
  const failure = { kind: 'failed', at: 7, verdict: 'stall', reason: 'Denied', message: 'no' };
  t.same([jobs.get('k'), ended], [failure, ['k']]);
  tell(9);
  t.same(jobs.get('k'), failure, 'what it tells after its end is not heard');
  jobs.start('k', work, clock);
  finish();
  await settle();
  t.same(jobs.get('k'), { kind: 'done' });
  jobs.forget('k');
  t.equal(jobs.get('k'), undefined);
  jobs.start('k', work, clock);
  await jobs.cancel('k');
  t.equal(jobs.get('k'), undefined);
  jobs.start('a', work, clock);
  jobs.start('b', work, clock);
  await jobs.cancelAll();
  t.same([jobs.get('a'), jobs.get('b')], [undefined, undefined]);
});
