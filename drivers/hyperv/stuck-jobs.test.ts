import t, { type Test } from 'tap';
import { connectHypervDriver } from '#drivers/hyperv/driver.js';
import { Credentials } from '#drivers/target.js';
import type { Simulator } from '#simulators/hyperv/simulator.js';
import { definition, hypervHost, mark, outside, soon } from '#test/peers/hyperv-host.js';

t.setTimeout(300_000);

/** A life that waits for nothing long. */
async function hastyLife(t: Test, { port }: Simulator) {
  const secret = [
    ['username', Buffer.from('Administrator')],
    ['password', Buffer.from('secret')],
  ] as const;
  const pace = { first: 1, longest: 5, patience: 50 };
  const uri = `hyperv://127.0.0.1:${port}/?transport=http&smb=off`;
  const made = await connectHypervDriver(uri, new Credentials([...secret]), { signal: soon(), pace });
  t.teardown(() => made[Symbol.asyncDispose]());
  return made;
}

/** The next job of that method ends once this is called. */
function held({ host }: Simulator, method: string): () => void {
  let release = () => {};
  const until = new Promise<void>((resolve) => {
    release = resolve;
  });
  host.troubles.add(method, { kind: 'hold', until }, 1);
  return () => release();
}

for (const mode of ['v2', 'v1'] as const)
  t.test(`${mode}: a job of ours that does not end is named, found again, and waited for but once`, async (t) => {
    const { simulator, driver, read } = await hypervHost(t, mode);
    const { host } = simulator;
    const hasty = () => hastyLife(t, simulator);
    const id = await driver.machines.define(definition, mark, soon());
    const release = held(simulator, 'RequestStateChange');
    const first = await hasty();
    const late =
      /^the host is still at "shop[.]web: start" [(]job [0-9A-F-]{36}[)]: 0 %(, for \d+ s)?; waiting for it, or end it in Hyper-V Manager$/;
    await t.rejects(first.power.start(id, { paused: false }, soon()), { code: 'TimedOut', message: late });
    t.match(await read(id), { power: { state: 'On', reason: 'Unknown' }, underWay: /^"shop[.]web: start" [(]job [0-9A-F-]{36}[)]$/ });

    const looks = () => host.asked.filter((what) => /Msvm_AffectedJobElement/.test(what)).length;
    const before = looks();
    await t.rejects(first.power.cut(id, mark.owner, soon()), { code: 'Busy', message: late });
    t.equal(looks() - before, 1, 'who has waited for it before says so at once');
    const next = await hasty();
    await t.rejects(next.machines.undefine(id, mark.owner, { keepState: true }, soon()), { code: 'Busy', message: late });

    release();
    await driver.power.cut(id, mark.owner, soon());
    t.match(await read(id), { power: { state: 'Off' }, underWay: undefined });
    await next.machines.undefine(id, mark.owner, { keepState: true }, soon());
    t.equal(await read(id), undefined);
  });

for (const mode of ['v2', 'v1'] as const) {
  t.test(`${mode}: nor is a checkpoint waited for without end, or taken twice`, async (t) => {
    const { simulator, driver, read } = await hypervHost(t, mode);
    const id = await driver.machines.define(definition, mark, soon());
    const method = mode === 'v2' ? 'CreateSnapshot' : 'CreateVirtualSystemSnapshot';
    const release = held(simulator, method);
    const { snapshots, machines } = await hastyLife(t, simulator);
    const take = async () => snapshots?.take(id, mark.owner, { key: 'k', name: 'before', memory: false }, soon());
    const late = new RegExp(`^the host is still at "${method}" [(]job`);
    await t.rejects(take(), { code: 'TimedOut', message: late });
    await t.rejects(take(), { code: 'Busy', message: late });
    await t.rejects(machines.undefine(id, mark.owner, { keepState: true }, soon()), { code: 'Busy', message: late });
    release();
    await driver.snapshots?.take(id, mark.owner, { key: 'k', name: 'before', memory: false }, soon());
    t.match((await driver.snapshots?.list(id, soon()))?.snapshots, [{ key: 'k', name: 'before' }]);
    t.equal((await driver.snapshots?.list(id, soon()))?.snapshots.length, 1);
    t.match(await read(id), { mark });
  });

  t.test(`${mode}: a checkpoint that takes long to be brought back is brought back once`, async (t) => {
    const { simulator, driver } = await hypervHost(t, mode);
    const id = await driver.machines.define(definition, mark, soon());
    await driver.snapshots?.take(id, mark.owner, { key: 'k', name: 'before', memory: false }, soon());
    const method = mode === 'v2' ? 'ApplySnapshot' : 'ApplyVirtualSystemSnapshotEx';
    const release = held(simulator, method);
    const { snapshots } = await hastyLife(t, simulator);
    const reverted = snapshots?.revert(id, mark.owner, 'k', soon());
    const looks = () => simulator.host.asked.filter((what) => /ConcreteJob/.test(what)).length;
    for (const far = looks() + 30; looks() < far; ) await new Promise((resolve) => setTimeout(resolve, 10));
    release();
    await reverted;
    t.equal(simulator.host.asked.filter((what) => what.endsWith(`.${method}`)).length, 1);
  });

  t.test(`${mode}: nor is a switch, or made twice`, async (t) => {
    const { simulator, facet } = await hypervHost(t, mode);
    const method = mode === 'v2' ? 'DefineSystem' : 'SetupSwitch';
    const release = held(simulator, method);
    const { networks } = await hastyLife(t, simulator);
    const define = async () => networks?.define(outside, soon());
    const late = new RegExp(`^the host is still at "${method}" [(]job`);
    await t.rejects(define(), { code: 'TimedOut', message: late });
    await t.rejects(define(), { code: 'Busy', message: late });
    release();
    await facet('networks').define(outside, soon());
    t.equal((await facet('networks').list(soon())).filter(({ uuid }) => uuid === outside.uuid).length, 1);
  });
}
