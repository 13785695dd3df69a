import t from 'tap';
import { connectHypervDriver } from '#drivers/hyperv/driver.js';
import { Credentials } from '#drivers/target.js';
import { definition, hypervHost, mark, soon } from '#test/peers/hyperv-host.js';

t.setTimeout(300_000);

for (const mode of ['v2', 'v1'] as const)
  t.test(`${mode}: a job of ours that does not end is named, found again, and waited for but once`, async (t) => {
    const { simulator, driver, read } = await hypervHost(t, mode);
    const { host } = simulator;
    /** A life that waits for nothing long. */
    const hasty = async () => {
      const secret = [
        ['username', Buffer.from('Administrator')],
        ['password', Buffer.from('secret')],
      ] as const;
      const pace = { first: 1, longest: 5, patience: 50 };
      const uri = `hyperv://127.0.0.1:${simulator.port}/?transport=http&smb=off`;
      const made = await connectHypervDriver(uri, new Credentials([...secret]), { signal: soon(), pace });
      t.teardown(() => made[Symbol.asyncDispose]());
      return made;
    };
    const id = await driver.machines.define(definition, mark, soon());
    let release = () => {};
    const until = new Promise<void>((resolve) => {
      release = resolve;
    });
    host.troubles.add('RequestStateChange', { kind: 'hold', until }, 1);
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
