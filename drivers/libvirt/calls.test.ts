import t from 'tap';
import type { MachineDefinition, Mark } from '#drivers/driver.js';
import { withCalls } from '#test/peers/libvirt-connection.js';
import { startLibvirtd } from '#test/peers/libvirtd.js';
import { connectLibvirt } from './connect.js';
import { pretended } from './dialects/pretended/dialect.js';
import { libvirtDriver } from './driver.js';
import type { StatsRecord } from './rpc/types.js';

const signal = AbortSignal.timeout(110_000);
const daemon = await startLibvirtd();
const open = (opening: AbortSignal) => connectLibvirt(daemon.testUri, {}, opening);
const connection = await open(signal);
t.teardown(async () => {
  await connection[Symbol.asyncDispose]();
  await daemon.stop();
});

/** Libvirt's words for what was asked, in order. */
const asked: string[] = [];

const listening = withCalls(connection, (procedure, args, options, calling) => {
  asked.push(procedure.name.replace(/^DOMAIN_|^CONNECT_/, ''));
  return connection.call(procedure, args, options, calling);
});
const { machines, power, stats } = libvirtDriver(listening, open, pretended);

async function callsOf(verb: () => Promise<unknown>): Promise<readonly string[]> {
  asked.length = 0;
  await verb();
  return [...asked];
}

function definitionOf(digit: number): MachineDefinition {
  const uuid = `7d4c2f1e-0000-4000-8000-00000000000${digit}`;
  return { uuid, nativeName: `shop.web${digit}`, cpuCount: 1, memoryBytes: 2 ** 25, disks: [], interfaces: [], serial: true, rng: true };
}

const mark: Mark = { owner: { cluster: 'c1', namespace: 'shop', name: 'web', uid: 'u1' }, record: '' };

t.test('a machine costs its host few questions', async (t) => {
  const { owner } = mark;
  const first = definitionOf(1);
  // What the host offers is asked once per connection.
  const other = await machines.define(definitionOf(2), mark, signal);
  t.same(await callsOf(() => machines.define(first, mark, signal)), ['GET_XML_DESC', 'DEFINE_XML_FLAGS'], 'a new one');
  const [id] = (await machines.list(signal)).flatMap((each) => (each.uuid === first.uuid ? [each.id] : []));
  if (id === undefined) throw new Error('it is not there');
  t.same(await callsOf(() => machines.define(first, mark, signal)), ['GET_XML_DESC', 'LIST_ALL_DOMAINS'], 'an unchanged one');
  t.same(await callsOf(() => machines.define({ ...first, cpuCount: 2 }, mark, signal)), ['GET_XML_DESC', 'DEFINE_XML_FLAGS'], 'an edit');
  t.same(
    await callsOf(() => machines.list(signal)),
    ['GET_ALL_DOMAIN_STATS', 'LIST_ALL_DOMAINS'],
    'a glance at all: the second is what is saved of those that may be',
  );
  t.same(await callsOf(() => machines.read([id], signal)), ['GET_ALL_DOMAIN_STATS', 'LIST_ALL_DOMAINS', 'GET_XML_DESC'], 'one that is off');
  t.same(
    await callsOf(() => machines.read([id, other], signal)),
    ['GET_ALL_DOMAIN_STATS', 'LIST_ALL_DOMAINS', 'GET_XML_DESC', 'GET_XML_DESC'],
    'two that are off',
  );
  t.same(await callsOf(() => machines.mark(id, mark, owner, signal)), ['GET_XML_DESC'], 'a mark that is there');
  const marked = { ...mark, record: 'new' };
  t.same(await callsOf(() => machines.mark(id, marked, owner, signal)), ['GET_XML_DESC', 'SET_METADATA'], 'another mark');
  t.same(await callsOf(() => power.start(id, { paused: false }, signal)), ['CREATE_WITH_FLAGS'], 'a start');
  t.same(
    await callsOf(() => machines.read([id], signal)),
    ['GET_ALL_DOMAIN_STATS', 'LIST_ALL_DOMAINS', 'GET_XML_DESC', 'GET_XML_DESC'],
    'one that runs: its definition, what it has now, and whether it has a definition at all',
  );
  t.same(await callsOf(async () => stats?.read(signal)), ['GET_ALL_DOMAIN_STATS'], 'figures of what has no disks');
  t.same(await callsOf(() => machines.mark(id, mark, owner, signal)), ['GET_XML_DESC', 'SET_METADATA'], 'a mark while it runs');
  t.same(await callsOf(() => power.pause(id, signal)), ['SUSPEND'], 'a pause');
  t.same(await callsOf(() => power.resume(id, signal)), ['GET_STATE', 'RESUME'], 'a resume');
  t.same(await callsOf(() => power.cut(id, owner, signal)), ['GET_XML_DESC', 'DESTROY_FLAGS'], 'a cut');
  t.same(await callsOf(() => power.cut(id, owner, signal)), ['GET_XML_DESC', 'HAS_MANAGED_SAVE_IMAGE'], 'a cut of what is off');
  t.same(
    await callsOf(() => machines.undefine(id, owner, { keepState: false }, signal)),
    ['GET_XML_DESC', 'UNDEFINE_FLAGS', 'UNDEFINE_FLAGS'],
    'a farewell, with the flags that this host knows',
  );
});

t.test('which disk a figure is of is not asked for of a machine that was read', async (t) => {
  const asNumber = (field: string) => ({ field, value: { kind: 'ullong' as const, value: 1n } });
  const asWord = (field: string, value: string) => ({ field, value: { kind: 'string' as const, value } });
  const figures = [asNumber('cpu.time'), asNumber('balloon.current'), asNumber('balloon.rss'), asNumber('block.count')];
  const counted = ['rd.bytes', 'rd.reqs', 'rd.times', 'wr.bytes', 'wr.reqs', 'wr.times'].map((what) => asNumber(`block.0.${what}`));
  const disk = [asWord('block.0.name', 'vda'), asWord('block.0.path', '/images/root.img'), ...counted];
  /** What is pretended has no disks to count: as QEMU's driver tells of one. */
  const counting = withCalls(listening, async (procedure, args, options, calling) => {
    const told = await listening.call(procedure, args, options, calling);
    if (procedure.name !== 'CONNECT_GET_ALL_DOMAIN_STATS') return told;
    const withDisk = (one: StatsRecord) =>
      one.domain.name === 'shop.web3' ? { ...one, params: [...one.params, ...figures, ...disk] } : one;
    return (told as readonly StatsRecord[]).map(withDisk) as typeof told;
  });
  const driverOf = () => libvirtDriver(counting, open, pretended);
  const root = { name: 'root', location: '/images/root.img', format: 'Raw' as const };
  const first = driverOf();
  const id = await first.machines.define({ ...definitionOf(3), disks: [root] }, mark, signal);
  await first.power.start(id, { paused: false }, signal);
  const read = async ({ stats }: ReturnType<typeof driverOf>) => (await stats?.read(signal))?.filter((each) => each.id === id);
  t.match(await read(first), [{ disks: [{ name: 'root' }] }]);

  const [late, early] = [driverOf(), driverOf()];
  t.ok((await callsOf(() => read(late))).includes('GET_XML_DESC'), 'nobody read it before');
  t.notOk((await callsOf(() => read(late))).includes('GET_XML_DESC'), 'once');
  await early.machines.read([id], signal);
  let told: Awaited<ReturnType<typeof read>>;
  t.same(await callsOf(async () => (told = await read(early))), ['GET_ALL_DOMAIN_STATS']);
  t.match(told, [{ disks: [{ name: 'root' }] }]);
  await first.power.cut(id, mark.owner, signal);
  await first.machines.undefine(id, mark.owner, { keepState: false }, signal);
});

t.test('a listing asks for what its pool is once, and only where there are images', async (t) => {
  const { pools, volumes } = libvirtDriver(listening, open, pretended);
  const source = { kind: 'directory', path: '/srv/pool' } as const;
  const pool = await pools?.define({ uuid: '7d4c2f1e-0000-4000-8000-00000000000a', nativeName: 'pool', source }, signal);
  if (pool === undefined) throw new Error('it is not there');
  await pools?.start(pool, signal);
  for (const nativeName of ['a', 'b']) await volumes?.create({ pool, nativeName, format: 'Raw', sizeBytes: 1 << 20 }, signal);
  const listed = ['STORAGE_POOL_LOOKUP_BY_UUID', 'STORAGE_POOL_LIST_ALL_VOLUMES', 'STORAGE_VOL_GET_XML_DESC', 'STORAGE_VOL_GET_XML_DESC'];
  t.same(await callsOf(async () => volumes?.list(pool, { refresh: false }, signal)), listed, 'files');

  /** The same files, as if they were images of a Ceph pool. */
  const asImages = (xml: string) =>
    xml
      .replace("<volume type='file'>", "<volume type='network'>")
      .replace(/<pool type='dir'>.*/s, "<pool type='rbd'><source><host name='mon1'/><name>machines</name></source></pool>");
  const ofCeph = withCalls(listening, async (procedure, args, options, calling) => {
    const told = await listening.call(procedure, args, options, calling);
    return typeof told === 'string' ? (asImages(told) as typeof told) : told;
  });
  const images = libvirtDriver(ofCeph, open, pretended).volumes;
  let locations: readonly string[] | undefined;
  const calls = await callsOf(async () => {
    locations = (await images?.list(pool, { refresh: false }, signal))?.map(({ location }) => location);
  });
  t.same(locations?.toSorted(), ['rbd://mon1/machines/a', 'rbd://mon1/machines/b']);
  t.same(calls.toSorted(), [...listed, 'STORAGE_POOL_GET_XML_DESC'].toSorted(), 'images');
});
