import t from 'tap';
import type { MachineDefinition, MachineId, Mark } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { withCalls } from '#test/peers/libvirt-connection.js';
import { startLibvirtd } from '#test/peers/libvirtd.js';
import { connectLibvirt } from './connect.js';
import { pretended } from './dialects/pretended/dialect.js';
import { libvirtDriver } from './driver.js';

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

/** As a driver of libvirt's that has no call for many machines, and none for metadata: LXC's and Xen's lack the first, others both. */
const lacking = new Set(['CONNECT_GET_ALL_DOMAIN_STATS', 'DOMAIN_SET_METADATA']);
/** What the daemon does not come to an end with, as Xen's while a guest does not heed its power button. */
let stuck: string | undefined;
const poor = withCalls(connection, async (procedure, args, options, calling) => {
  asked.push(procedure.name);
  if (procedure.name === stuck) throw new DriverError('TimedOut', 'no answer from the host within 10 s');
  if (lacking.has(procedure.name)) throw new DriverError('Unsupported', 'this function is not supported by the connection driver');
  return connection.call(procedure, args, options, calling);
});
const { machines, power } = libvirtDriver(poor, open, pretended);

const uuid = '7d4c2f1e-0000-4000-8000-000000000001';
const machine: MachineDefinition = {
  uuid,
  nativeName: 'shop.db',
  cpuCount: 1,
  memoryBytes: 2 ** 25,
  disks: [],
  interfaces: [],
  serial: true,
  rng: true,
};
const mark: Mark = { owner: { cluster: 'c1', namespace: 'shop', name: 'db', uid: 'u1' }, record: '' };

t.test('machines are listed one by one where no call tells of all', async (t) => {
  const id = await machines.define(machine, mark, signal);
  const seen = async () => (await machines.list(signal)).find((each) => each.id === id);
  t.match(await seen(), { uuid, nativeName: 'shop.db', power: { state: 'Off' } });
  await power.start(id, { paused: false }, signal);
  t.match(await seen(), { power: { state: 'On' } });
  t.match((await machines.read([id], signal)).machines, [{ nativeName: 'shop.db', power: { state: 'On' } }]);
  t.equal(asked.filter((name) => name === 'CONNECT_GET_ALL_DOMAIN_STATS').length, 1, 'the other call is tried once');
  await power.cut(id, mark.owner, signal);
});

t.test('one that keeps the daemon waiting is what it last was, and is no reason to lose the others', async (t) => {
  const before = await machines.list(signal);
  t.ok(before.some(({ uuid: its }) => its === uuid) && before.length > 1);
  for (stuck of ['DOMAIN_GET_STATE', 'DOMAIN_LOOKUP_BY_UUID']) {
    t.same(await machines.list(signal), before, stuck);
    t.same((await machines.read([before[0]?.id as MachineId], signal)).machines.length, 1);
  }
  stuck = undefined;
  t.same(await machines.list(signal), before);
});

t.test('a mark is changed with the definition where no call changes metadata', async (t) => {
  const id = await machines.define(machine, mark, signal);
  await machines.mark(id, { ...mark, record: 'boot 2' }, mark.owner, signal);
  t.match((await machines.read([id], signal)).machines, [{ mark: { record: 'boot 2' }, configured: { cpuCount: 1 } }]);
  await t.rejects(machines.mark(id, { owner: { ...mark.owner, uid: 'u2' }, record: '' }, undefined, signal), { code: 'NotOurs' });
});
