import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Driver, MachineDefinition, MachineId } from '#drivers/driver.js';
import { Credentials } from '#drivers/target.js';
import type { Machine } from '#simulators/hyperv/model/machine.js';
import { Simulator } from '#simulators/hyperv/simulator.js';
import { connectHypervDriver } from './driver.js';

t.setTimeout(300_000);

const soon = () => AbortSignal.timeout(60_000);
const markOf = (name: string) => ({ owner: { cluster: 'c', namespace: 'shop', name, uid: `u-${name}` }, record: 'r' });
const web = markOf('web');
const definition = (nativeName: string, last: string): MachineDefinition => ({
  uuid: `5c3a3b3e-1f0e-4a6e-9a7b-11111111111${last}`,
  ...{ nativeName, cpuCount: 1, memoryBytes: 64 << 20, firmware: 'BIOS', disks: [], interfaces: [], serial: false, rng: false },
});

interface Scene {
  readonly driver: Driver;
  readonly machines: Readonly<Record<'original' | 'copy', { readonly id: MachineId; readonly native: Machine }>> & {
    /** The notes that the copy would have, were it none. */
    readonly own: string | readonly string[];
  };
}

/** Ours, and one with its notes, as Hyper-V's import leaves it; both run. */
async function copied(t: Test, mode: 'v1' | 'v2'): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'vw-hyperv-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const user = { name: 'Administrator', password: 'secret' };
  const simulator = await Simulator.start({ mode, folder, users: [user], jobMs: 2 });
  t.teardown(() => simulator[Symbol.asyncDispose]());
  const secret = { username: user.name, password: user.password };
  const credentials = new Credentials(Object.entries(secret).map(([key, value]) => [key, Buffer.from(value)] as const));
  const uri = `hyperv://127.0.0.1:${simulator.port}/?transport=http`;
  const driver = await connectHypervDriver(uri, credentials, { signal: soon(), pace: { first: 1, longest: 5 } });
  t.teardown(() => driver[Symbol.asyncDispose]());
  const make = async (name: string, last: string) => {
    const id = await driver.machines.define(definition(name, last), markOf(name), soon());
    await driver.power.start(id, { paused: false }, soon());
    const native = simulator.machineNamed(name);
    if (native === undefined) throw new Error('no machine');
    return { id, native };
  };
  const made = { original: await make('web', '1'), copy: await make('copy', '2') };
  const machines = { ...made, own: made.copy.native.settings['Notes'] ?? '' };
  machines.copy.native.settings = { ...machines.copy.native.settings, Notes: machines.original.native.settings['Notes'] ?? '' };
  return { driver, machines };
}

for (const mode of ['v1', 'v2'] as const)
  await t.test(`${mode}: the notes of a machine say nothing of its copy`, async (t) => {
    await t.test('which is a stranger, that nobody switches off or deletes as ours', async (t) => {
      const { driver, machines } = await copied(t, mode);
      const { original, copy } = machines;
      const [first, second] = (await driver.machines.read([original.id, copy.id], soon())).machines;
      t.match(first, { id: original.id, mark: web });
      t.equal(second?.mark, undefined);
      t.ok(second?.found, 'it can be adopted');
      await t.rejects(driver.power.cut(copy.id, web.owner, soon()), { code: 'NotOurs' });
      await t.rejects(driver.machines.undefine(copy.id, web.owner, { keepState: true }, soon()), { code: 'NotOurs' });
      await driver.power.cut(original.id, web.owner, soon());
      await driver.machines.undefine(original.id, web.owner, { keepState: true }, soon());
      const left = (await driver.machines.list(soon())).map(({ id, power }) => ({ id, state: power.state }));
      t.same(left, [{ id: copy.id, state: 'On' }]);
    });

    await t.test('which is not taken for it where that is gone', async (t) => {
      const { driver, machines } = await copied(t, mode);
      const { original, copy } = machines;
      await driver.power.cut(original.id, web.owner, soon());
      await driver.machines.undefine(original.id, web.owner, { keepState: true }, soon());
      const made = await driver.machines.define(definition('web', '1'), web, soon());
      t.not(made, copy.id);
      t.equal((await driver.machines.list(soon())).length, 2);
    });

    await t.test('wherever those stand among its own', async (t) => {
      const { driver, machines } = await copied(t, mode);
      const { original, copy } = machines;
      const texts = [machines.own, copy.native.settings['Notes']].map((notes) => [notes].flat().join('\n'));
      for (const order of [texts, texts.toReversed()]) {
        const pasted = order.join('\n');
        copy.native.settings = { ...copy.native.settings, Notes: mode === 'v2' ? [pasted] : pasted };
        const marks = (await driver.machines.read([original.id, copy.id], soon())).machines.map(({ mark }) => mark?.owner.name);
        t.same(marks, ['web', 'copy']);
      }
    });

    await t.test('which is not adopted as long as its firmware has the uuid of the other', async (t) => {
      const { driver, machines } = await copied(t, mode);
      const { original, copy } = machines;
      const { BIOSGUID = '' } = original.native.settings;
      copy.native.settings = { ...copy.native.settings, BIOSGUID };
      const theirs = markOf('second');
      await t.rejects(driver.adoption?.adopt(copy.id, theirs, soon()) ?? Promise.resolve(), {
        code: 'Conflict',
        message: /"copy" has the uuid 5c3a.*1, and so has "web"/,
      });
      await driver.power.cut(original.id, web.owner, soon());
      await driver.machines.undefine(original.id, web.owner, { keepState: true }, soon());
      await driver.adoption?.adopt(copy.id, theirs, soon());
    });

    await t.test('which gets notes of its own when it is adopted', async (t) => {
      const { driver, machines } = await copied(t, mode);
      const { original, copy } = machines;
      const theirs = markOf('second');
      await driver.adoption?.adopt(copy.id, theirs, soon());
      const marks = (await driver.machines.read([original.id, copy.id], soon())).machines.map(({ mark }) => mark?.owner);
      t.same(marks, [web.owner, theirs.owner]);
    });
  });
