import t from 'tap';
import { first, second, told, withDiscs } from '#test/peers/hyperv-discs.js';
import { definition, mark, soon } from '#test/peers/hyperv-host.js';

t.setTimeout(300_000);

for (const mode of ['v2', 'v1'] as const) {
  t.test(`${mode}: whatever files our line names, none but the machine's own discs are deleted`, async (t) => {
    const { tell, driver, files, machine, simulator } = await withDiscs(t, mode);
    const id = await tell(told('one', first));
    const { store } = simulator.host.options;
    const other = 'virtwright-5c3a3b3e-1f0e-4a6e-9a7b-222222222222-seed-0123456789abcdef.iso';
    const theirs = ['d:\\hyper-v\\theirs.vhdx', `d:\\hyper-v\\${other}`];
    for (const file of theirs) await store.touch(file);
    const edit = () => {
      const { settings } = machine();
      const notes = String(settings['Notes']).replace('"files":[', `"files":${JSON.stringify(theirs).slice(0, -1)},`);
      t.match(notes, 'theirs.vhdx');
      machine().settings = { ...settings, Notes: Array.isArray(settings['Notes']) ? [notes] : notes };
    };
    const isThere = async () => t.same(await Promise.all(theirs.map((file) => store.exists(file))), [true, true]);
    edit();
    await tell(told('two', second));
    await isThere();
    edit();
    await tell(definition);
    await isThere();
    await tell(told('one', first));
    edit();
    await driver.machines.undefine(id, mark.owner, { keepState: true }, soon());
    await isThere();
    t.same(await files(), []);
  });
}
