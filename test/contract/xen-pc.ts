import type { Test } from 'tap';
import type { Console } from '#drivers/driver.js';
import type { XenHost } from '#test/peers/xen.js';
import { draftsContract } from './drafts.js';
import { machinesContract } from './machines.js';
import { onStage } from './on-stage.js';
import { mustHave } from './pools.js';
import { refused, type Stage, soon } from './stage.js';
import type { Subject } from './subject.js';
import { bootable } from './xen-peer.js';

/**
 * PCs on a host with Xen, and nothing else beside them there: the CPU's virtualisation is emulated, firmware takes a minute in it, and two that boot
 * at once have brought the whole host to a standstill. So most are looked at before they execute anything.
 */
export async function pcContract(t: Test, subject: Subject, host: XenHost): Promise<void> {
  await t.test(`${subject.name} keeps the contract of machines`, { timeout: subject.patienceMs ?? 0 }, (t) =>
    onStage(t, subject, async (stage) => {
      await t.test('machines', (t) => machinesContract(t, stage));
      await t.test('drafts', (t) => draftsContract(t, stage));
      await t.test('made as one', (t) => kindContract(t, stage, host));
      await t.test('devices', (t) => devicesContract(t, stage, host));
      await t.test('what the suite made is cleared away', async () => stage.clear());
      await t.test('a life', (t) => lifeContract(t, stage, host));
      await t.test('and that is cleared away', async () => stage.clear());
    }),
  );
}

async function kindContract(t: Test, stage: Stage, { shell, virsh }: XenHost): Promise<void> {
  const { machines } = stage.driver;

  await t.test('its emulator is one that its host has', async (t) => {
    const { definition } = await stage.define();
    const [, emulator = ''] = /<emulator>(.*)<\/emulator>/.exec(await virsh('dumpxml', definition.uuid)) ?? [];
    t.ok(emulator);
    await shell(`test -x '${emulator}'`);
    t.notMatch(await virsh('list', '--all', '--name'), /virtwright-probe/, 'and of finding it out nothing is left');
  });

  await t.test('it has no more CPUs than a PC of Xen’s can have', async (t) => {
    const { capabilities } = await stage.driver.host.describe(soon());
    const cpuCount = capabilities.find(({ field }) => field === 'cpu.count')?.max ?? 0;
    await refused(t, machines.define(stage.definition({ cpuCount }), stage.mark(), soon()), 'Invalid');
    await t.rejects(machines.define(stage.definition({ cpuCount }), stage.mark(), soon()), { message: /cpu\.count: .* xen\.mode HVM/ });
  });

  await t.test('it becomes no other kind, and no other becomes one', async (t) => {
    const { definition, mark } = await stage.define();
    const kernel = { boot: { kernel: '/guest/idle' } };
    await refused(t, machines.define({ ...definition, ...kernel, xen: { mode: 'PV' } }, mark, soon()), 'Invalid');
    const pv = await stage.define(stage.definition({ ...kernel, xen: { mode: 'PV' } }));
    await refused(t, machines.define({ ...pv.definition, xen: { mode: 'HVM' } }, pv.mark, soon()), 'Invalid');
  });
}

async function devicesContract(t: Test, stage: Stage, { shell }: XenHost): Promise<void> {
  const { driver } = stage;
  const discs = ['/guest/one.iso', '/guest/other.iso'] as const;
  await shell(`truncate --size=1M ${discs.join(' ')}`);
  const cdroms = [{ name: 'drive', location: discs[0] }];
  const made = await stage.define(stage.definition({ cdroms }));
  const { id, definition, mark, owner } = made;
  await driver.power.start(id, { paused: true }, soon());

  await t.test('a disc is taken out of its drive, and another is put in', async (t) => {
    const drives = async (location: string | undefined) => {
      const drive = { name: 'drive', ...(location === undefined ? {} : { location }) };
      await driver.machines.define({ ...definition, cdroms: [drive] }, mark, soon());
      await mustHave(driver.live).apply(id, owner, { kind: 'disk', name: 'drive' }, soon());
      return (await stage.look(id)).live?.cdroms?.map(({ location: disc }) => disc);
    };
    t.same(await drives(undefined), [undefined]);
    t.same(await drives(discs[1]), [discs[1]]);
  });

  await driver.power.cut(id, owner, soon());
}

/** Until the text has come. */
async function hear({ output }: Console, wanted: string): Promise<string> {
  let heard = '';
  for await (const bytes of output) {
    heard += Buffer.from(bytes).toString('latin1');
    if (heard.includes(wanted)) break;
  }
  return heard;
}

async function lifeContract(t: Test, stage: Stage, host: XenHost): Promise<void> {
  const { driver } = stage;
  const guest = bootable(host);
  const { id, owner, definition } = await stage.define(await guest.prepare(stage.definition()));

  await t.test('started paused it executes nothing; resumed, it boots from its disk and says so', async (t) => {
    await driver.power.start(id, { paused: true }, soon());
    t.match((await stage.listed(definition.uuid)).power, { state: 'Paused' });
    await driver.power.resume(id, soon());
    await guest.ready?.(driver, id);
    t.equal((await stage.power(id)).state, 'On');
  });

  await t.test('what is typed at its serial port comes back', async (t) => {
    await using console = await mustHave(driver.consoles).open(id, soon());
    await console.write(Buffer.from('echo-me'), soon());
    t.match(await hear(console, 'echo-me'), 'echo-me');
  });

  await t.test('it is paused, and goes on', async (t) => {
    await driver.power.pause(id, soon());
    t.same(await stage.power(id), { state: 'Paused', reason: 'User' });
    await driver.power.resume(id, soon());
    t.equal((await stage.power(id)).state, 'On');
  });

  await t.test('it is saved, and goes on from there with what it had', async (t) => {
    const { live } = await stage.look(id);
    await driver.power.save(id, owner, soon());
    t.same(await stage.power(id), { state: 'Off', reason: 'Saved' });
    await driver.power.start(id, { paused: false }, soon());
    t.same((await stage.look(id)).live, live);
  });

  await t.test('it hears the power button', async (t) => {
    await driver.power.press(id, owner, soon());
    t.same(await stage.untilPower(id, 'Off'), { state: 'Off', reason: 'Guest' });
  });
}
