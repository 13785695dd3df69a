import t, { type Test } from 'tap';
import { credentialKeys } from '#drivers/connect.js';
import { codes } from '#simulators/hyperv/cim/codes.js';
import type { Trouble } from '#simulators/hyperv/model/troubles.js';
import { useWorld } from '#test/cluster/world.js';
import { HypervLab, namespace } from './hyperv-lab.js';
import { bomb, disk, impatient, lan, machine, methods, Stage, volume } from './hyperv-stage.js';

const world = await useWorld(t);
t.setTimeout(15 * 60_000);
await world.kubectl('create', 'namespace', namespace);

const failed = (message: string): Trouble => ({ kind: 'job', code: codes.failed, message });

interface Fault {
  readonly trouble: Trouble;
  readonly code: string;
  readonly words: string;
}

/** In place of what is asked for; what the object then says. */
const faults: Readonly<Record<string, Fault>> = {
  'access denied': { trouble: { kind: 'denied' }, code: 'Denied', words: 'Access is denied.*"Hyper-V Administrators"' },
  'in use': { trouble: { kind: 'return', code: codes.inUse }, code: 'Busy', words: 'in use.*see which' },
  'a job that fails': { trouble: failed('The drive fell off.'), code: 'Internal', words: 'The drive fell off\\.' },
  'a full disk': { trouble: failed('There is no room. (0x80070070)'), code: 'Exhausted', words: 'There is no room' },
  'a message that is too large': { trouble: { kind: 'status', status: 413 }, code: 'Exhausted', words: '413.*MaxEnvelopeSizekb' },
  'a bomb of XML': { trouble: { kind: 'reply', text: bomb }, code: 'Internal', words: 'document type' },
};

/** One machine and its disk from nothing to nothing: each call meets the trouble until the object has said so. */
async function life(t: Test, stage: Stage, mode: 'v1' | 'v2', { trouble, code, words }: Fault): Promise<void> {
  // A start that fails again counts as a crash, and says with that what it was.
  const told = (method: string) => new RegExp(`^(?:${code}|CrashLoopBackOff): .*${method}.*${words}`);
  const { troubles, machines } = stage.lab.simulator.host;
  const { createDisk, define, add, alter, grow, destroy } = methods[mode];
  const native = () => stage.lab.simulator.machineNamed('default.m');
  const meets = async (method: string, kind: 'VirtualMachine' | 'StorageVolume', act: () => Promise<unknown>, unlost: () => unknown) => {
    troubles.add(method, trouble);
    await act();
    await stage.says(kind, 'm', told(method)).catch((reason) => t.fail(`${method}: ${reason}`));
    t.ok(unlost(), `${method}: nothing is lost`);
    await stage.calm(kind, 'm');
  };
  const sizeMiB = () => native()?.number('Msvm_MemorySettingData', 'VirtualQuantity');
  await meets(
    createDisk,
    'StorageVolume',
    () => world.apply(volume('m')),
    () => true,
  );
  await stage.isReady('StorageVolume', 'm');
  const wanted = machine('m', { runStrategy: 'Halted', disks: [disk('m')], interfaces: [lan] });
  await meets(
    define,
    'VirtualMachine',
    () => world.apply(wanted),
    () => machines.size === 1,
  );
  troubles.add(add, trouble);
  await meets(
    add,
    'VirtualMachine',
    async () => {},
    () => machines.size <= 2,
  );
  t.equal((await stage.isReady('VirtualMachine', 'm')).status?.drift, undefined, 'nobody took away what never was there');
  const { types } = stage.lab.simulator.host.words;
  const parts = () =>
    [types.diskDrive, types.image, types.card].map(
      (type) => native()?.devices.filter(({ values }) => values['ResourceType'] === type).length,
    );
  t.same([machines.size, parts()], [2, [1, 1, 1]], 'each is there once');
  await meets(
    alter,
    'VirtualMachine',
    () => stage.patch('VirtualMachine', 'm', { memory: { size: '96Mi' } }),
    () => sizeMiB() === 64,
  );
  await stage.isReady('VirtualMachine', 'm');
  await meets(
    grow,
    'StorageVolume',
    () => stage.patch('StorageVolume', 'm', { size: '12Mi' }),
    () => machines.size === 2,
  );
  t.match(await world.until('StorageVolume', 'm', ({ status }) => status?.virtualSize === '12Mi'), {});
  const always = { runStrategy: 'Always' };
  await meets(
    'RequestStateChange',
    'VirtualMachine',
    () => stage.patch('VirtualMachine', 'm', always),
    () => native()?.state === 'off',
  );
  await stage.isReady('VirtualMachine', 'm');
  t.same([native()?.state, sizeMiB(), parts()], ['running', 96, [1, 1, 1]]);
  await stage.patch('VirtualMachine', 'm', { runStrategy: 'Halted' });
  await world.until('VirtualMachine', 'm', ({ status }) => status?.power?.state === 'Stopped');
  await meets(
    destroy,
    'VirtualMachine',
    () => world.delete('VirtualMachine', 'm'),
    () => machines.size === 2,
  );
  await world.untilGone('VirtualMachine', 'm');
  // A file is deleted by another provider, which has neither these numbers nor jobs.
  const isOfHyperV = trouble.kind === 'return' || trouble.kind === 'job';
  const remove = () => world.delete('StorageVolume', 'm');
  if (isOfHyperV) await remove();
  else await meets('Delete', 'StorageVolume', remove, () => stage.lab.simulator.host.options.store.all().length === 2);
  await world.untilGone('StorageVolume', 'm');
  t.equal(machines.size, 1);
}

for (const mode of ['v2', 'v1'] as const)
  await t.test(`${mode}: what is refused of a life is told by what it was about, and done once the host does it`, async (t) => {
    await using lab = await HypervLab.open({ mode });
    await using _operator = await world.start({ connect: impatient, credentialKeys, hypervisors: ['hv1'], namespace });
    const stage = await Stage.open(world, lab);
    const files = await lab.files();
    for (const [name, fault] of Object.entries(faults))
      await t.test(name, async (t) => {
        await life(t, stage, mode, fault);
        t.same([stage.lost, await lab.files()], [[], files]);
      });
    await stage.close();
  });
