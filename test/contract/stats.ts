import type { Test } from 'tap';
import type { MachineDisk, Stats } from '#drivers/driver.js';
import { networksOf, newDisk } from './live.js';
import { mustHave } from './pools.js';
import { type Stage, soon } from './stage.js';

export async function statsContract(t: Test, stage: Stage): Promise<void> {
  const stats = mustHave(stage.driver.stats);
  const idsOf = async () => (await stats.read(soon())).map(({ id }) => id);

  await t.test('what runs is measured, what is off is left out', async (t) => {
    const on = await stage.running();
    const off = await stage.define();
    const all = await stats.read(soon());
    t.ok(all.every(({ id }) => id !== off.id));
    const one = mustHave(all.find(({ id }) => id === on.id));
    t.ok((one.cpuSeconds ?? 0) >= 0 && one.memory.balloonBytes > 0, 'with time and memory', { one });
    await stage.driver.power.cut(on.id, on.owner, soon());
    t.notOk((await idsOf()).includes(on.id));
  });

  await t.test('of disks and interfaces there are figures where the host says so, and nowhere else', async (t) => {
    const { capabilities } = await stage.driver.host.describe(soon());
    const told = (field: string) => capabilities.some((one) => one.field === field);
    const networks = await networksOf(stage, 1);
    const made = await stage.running(
      stage.definition({ disks: await anyDisks(stage), interfaces: networks.map((network) => ({ name: 'lan', network })) }),
    );
    const one = mustHave((await stats.read(soon())).find(({ id }) => id === made.id));
    t.equal(one.disks.length > 0, told('stats.block'), 'stats.block', { one });
    t.equal(one.interfaces.length > 0, told('stats.network'), 'stats.network', { one });
    await stage.driver.power.cut(made.id, made.owner, soon());
  });

  await devicesContract(t, stage, stats);

  await stage.withPeer(t, 'what does not answer is left out rather than waited for', ['hang'], async (t, peer) => {
    const hung = await stage.running();
    const fine = await stage.running();
    const undo = await peer.hang(hung.definition.uuid);
    const giveUp = new AbortController();
    const pausing = stage.driver.power.pause(hung.id, giveUp.signal).catch(() => {});
    const ids = await idsOf();
    t.ok(ids.includes(fine.id));
    if (stage.can('askMachines')) t.notOk(ids.includes(hung.id));
    giveUp.abort();
    await pausing;
    await undo();
  });
}

/** One, if machines of this host can have any. */
async function anyDisks(stage: Stage): Promise<readonly MachineDisk[]> {
  if (!stage.can('haveDisks')) return [];
  return [stage.can('imagineDisks') ? await newDisk(stage, 'root') : await stage.disk('root', '', 'Raw')];
}

async function devicesContract(t: Test, stage: Stage, stats: Stats): Promise<void> {
  const sentence = 'disks, drives and interfaces are told by their names, those that came later too';
  const cannot = stage.unless('askMachines');
  if (cannot !== false) return void (await t.test(sentence, { skip: cannot }, () => {}));
  await stage.withGuest(t, sentence, 'hearing', async (t, recipe) => {
    const [network] = await networksOf(stage, 1);
    const wired = network === undefined ? [] : [{ name: 'lan', network }];
    const [root, more] = stage.can('haveDisks') ? [await newDisk(stage, 'root'), await newDisk(stage, 'more')] : [];
    const disks = root === undefined ? [] : [root];
    const shape = { disks, cdroms: [{ name: 'drive' }], interfaces: wired };
    const hasDrives = stage.can('imagineDisks') && (await stage.lacks('disks.cdrom')) === false;
    const made = await stage.guest(recipe, hasDrives ? shape : { disks, interfaces: wired });
    const measured = async () => mustHave((await stats.read(soon())).find(({ id }) => id === made.id));
    const names = (all: readonly { readonly name: string }[]) => all.map(({ name }) => name).sort();
    const first = await measured();
    t.same(names(first.interfaces), names(wired));
    t.same(names(first.disks), [...(made.definition.cdroms === undefined ? [] : ['drive']), ...names(disks)]);
    const later = await stage.until(measured, ({ cpuSeconds = 0 }) => cpuSeconds > (first.cpuSeconds ?? 0));
    t.ok((later.cpuSeconds ?? 0) > (first.cpuSeconds ?? 0), 'time goes on');
    const { live } = stage.driver;
    if (live === undefined || root === undefined || more === undefined) return;
    await stage.driver.machines.define({ ...made.definition, disks: [root, more] }, made.mark, soon());
    await live.apply(made.id, made.owner, { kind: 'disk', name: 'more' }, soon());
    const grown = await stage.until(measured, ({ disks }) => names(disks).includes('more'));
    t.ok(names(grown.disks).includes('more'), 'without another start', { disks: grown.disks });
  });
}
