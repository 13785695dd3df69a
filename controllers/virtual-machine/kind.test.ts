import t from 'tap';
import type { VirtualMachine, VirtualMachineAction } from '#crds/types.js';
import type { MachineId, Mark, OwnerMark } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { Behind } from '#drivers/fake/behind.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { Locks } from '../host/locks.js';
import { HostView } from '../host/view.js';
import { createStore } from '../kubernetes/store.js';
import { indexes } from '../stores.js';
import { marked } from './action.js';
import type { DesiredMachine } from './desired.js';
import { observeMachine, virtualMachineKind } from './kind.js';
import type { MachineRecord } from './record.js';
import { decodeRecord } from './record-text.js';

const uuid = '11111111-2222-4333-8444-555555555555';
const owner: OwnerMark = { cluster: 'here', namespace: 'shop', name: 'web', uid: 'u-1' };
const signal = AbortSignal.timeout(20_000);

async function scene(mark: Mark = { owner, record: '' }, given = { uuid, nativeName: 'shop.web' }) {
  const host = new FakeHost();
  const behind = new Behind(host);
  behind.machine({ ...given, mark });
  const driver = fakeDriver(host);
  const view = new HostView(driver, () => {}, signal);
  await view.refreshAll(signal);
  const stores = {
    volumes: createStore<never>(),
    actions: createStore<VirtualMachineAction, 'machine'>({ indexes: indexes.actions }),
    machines: createStore<VirtualMachine>(),
  };
  const { performers } = virtualMachineKind(
    { name: 'one', cluster: 'here', hypervisor: undefined, capabilities: [] },
    stores as never,
    new Locks(),
  );
  const id = host.byUuid(given.uuid)?.id as MachineId;
  return {
    host,
    behind,
    view,
    performers,
    id,
    around: { driver, view, clock: () => 9 },
    noted: () => decodeRecord(host.byUuid(given.uuid)?.mark?.record ?? ''),
  };
}

t.test('a machine is ours when its whole mark says so, wherever it is found', async (t) => {
  const desired = { owner, definition: { uuid, nativeName: 'shop.web' } } as DesiredMachine;
  const seen = async (mark: OwnerMark, given = { uuid, nativeName: 'shop.web' }) => {
    const { view } = await scene({ owner: mark, record: '{"failures":2}' }, given);
    const { machine, stranger, record } = observeMachine(desired, view, { failures: 7 });
    return [machine !== undefined ? 'ours' : stranger !== undefined ? 'stranger' : 'nobody', record.failures];
  };
  const other = { uuid: '22222222-2222-4333-8444-555555555555', nativeName: 'another' };
  t.same(await seen(owner), ['ours', 2]);
  t.same(await seen(owner, other), ['ours', 2], 'by its mark alone');
  t.same(await seen({ ...owner, uid: 'u-0' }), ['stranger', 7]);
  t.same(await seen({ ...owner, uid: 'u-0' }, other), ['stranger', 7], 'an earlier object of this name');
  t.same(await seen({ ...owner, cluster: 'there' }), ['stranger', 7]);
  t.same(await seen({ ...owner, namespace: 'other' }), ['stranger', 7]);
  t.same(await seen({ ...owner, name: 'db' }), ['stranger', 7]);
  t.same(await seen({ ...owner, name: 'db' }, other), ['nobody', 7]);
});

t.test('a start is noted as failed when the host refused it, not when nobody knows', async (t) => {
  const record: MachineRecord = { boot: { number: 1, at: 5 } };
  const start = { kind: 'start', owner, record, mark: marked({ owner }, record), paused: false } as const;
  const lost = await scene();
  lost.host.faults.loseReply('power.start');
  await t.rejects(lost.performers.start.run(lost.around, { ...start, id: lost.id }, signal), { code: 'Unavailable' });
  t.same([lost.noted(), lost.host.byUuid(uuid)?.power.state], [record, 'On']);
  const refused = await scene();
  refused.host.guest(uuid, { refusesToStart: new DriverError('Exhausted', 'no memory') });
  await t.rejects(refused.performers.start.run(refused.around, { ...start, id: refused.id }, signal), { code: 'Exhausted' });
  t.same(refused.noted(), { ...record, lastStop: { boot: 1, cause: 'Failed', at: 9, message: 'no memory' }, failures: 1 });
  const once = { kind: 'start', owner, record: { action: { uid: 'a', at: 1, boot: 0 } }, paused: true, id: refused.id } as const;
  await t.rejects(refused.performers.start.run(refused.around, once, signal), { code: 'Exhausted' });
  t.match(
    refused.noted(),
    { boot: undefined, lastStop: { cause: 'Failed' }, action: { begun: true } },
    'a start that never was is no boot',
  );
  const blunt = { ...once, record: {}, mark: marked({ owner }, { boot: { number: 1, at: 9 } }), paused: false };
  await t.rejects(refused.performers.start.run(refused.around, blunt, signal), { code: 'Exhausted' });
  t.match(refused.noted(), { boot: undefined, lastStop: { cause: 'Failed' } }, 'nor is one that was noted before the host refused it');
});

t.test('a reset is noted before and after; what is not known is not said', async (t) => {
  const record: MachineRecord = { boot: { number: 1, at: 5 }, action: { uid: 'a', at: 1, boot: 1, begun: true } };
  const reset = { kind: 'reset', owner, record, mark: marked({ owner }, record) } as const;
  const rows = [
    ['done', () => {}, 'Succeeded', undefined],
    ['refused', ({ faults }: FakeHost) => faults.fail('power.reset', new DriverError('Unsupported', 'no button')), 'Failed', 'no button'],
    ['lost', ({ faults }: FakeHost) => faults.loseReply('power.reset'), undefined, undefined],
  ] as const;
  for (const [name, befalls, outcome, message] of rows) {
    const { host, behind, performers, id, around, noted } = await scene();
    behind.start(uuid);
    befalls(host);
    await performers.reset.run(around, { ...reset, id }, signal).catch(() => {});
    t.match([noted().action?.begun, noted().action?.outcome, noted().action?.message], [true, outcome, message], name);
  }
});

t.test('a machine that its host cannot get going is cut, if no guest ran in it yet', async (t) => {
  for (const elseCut of [undefined, owner]) {
    const { host, performers, id, around } = await scene();
    await around.driver.power.start(id, { paused: true }, signal);
    host.faults.fail('power.resume', 'Busy', 1);
    const resume = performers.resume.run(around, { kind: 'resume', id, ...(elseCut === undefined ? {} : { elseCut }) }, signal);
    if (elseCut === undefined) await t.rejects(resume, { code: 'Busy' });
    else await resume;
    t.equal(host.byUuid(uuid)?.power.state, elseCut === undefined ? 'Paused' : 'Off');
  }
});

t.test('what a host refuses to change while a machine runs is noted, and what nobody knows of is not', async (t) => {
  const record: MachineRecord = { live: { 'disk data x': { at: 9, times: 1 } } };
  const change = { kind: 'apply', owner, part: { kind: 'cpu' }, key: 'disk data x', record } as const;
  const refused = await scene();
  refused.host.faults.fail('live.apply', new DriverError('Exhausted', 'no free slot'));
  await refused.performers.apply.run(refused.around, { ...change, id: refused.id }, signal);
  t.same(refused.noted().live, { 'disk data x': { at: 9, times: 1, refused: 'no free slot' } });
  for (const code of ['Unavailable', 'TimedOut', 'Busy', 'NotFound', 'NotOurs'] as const) {
    const unknown = await scene();
    unknown.host.faults.fail('live.apply', code);
    await t.rejects(unknown.performers.apply.run(unknown.around, { ...change, id: unknown.id }, signal), { code });
    t.same(unknown.noted(), {});
  }
  const unplug = await scene();
  unplug.host.faults.fail('live.apply', 'Unavailable');
  const mark = marked({ owner }, record);
  await t.rejects(unplug.performers.apply.run(unplug.around, { ...change, id: unplug.id, mark }, signal), { code: 'Unavailable' });
  t.same(unplug.noted(), record, 'what is asked of the guest is noted before');
});
