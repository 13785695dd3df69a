import t from 'tap';
import type { VirtualMachine } from '#crds/types.js';
import { useLab } from './lab.js';

const lab = await useLab(t);
const { world, daemon } = lab;
const virsh = (...words: readonly string[]) => daemon.virsh(...words);

const native = (name: string) => `default.${name}`;
const bootId = (machine: VirtualMachine | undefined) => machine?.status?.run?.bootId;
const reason = (machine: VirtualMachine | undefined) => machine?.status?.conditions?.find(({ type }) => type === 'Ready')?.reason;
const power = async (name: string) => (await virsh('domstate', native(name)).catch(() => 'gone')).trim();
const memory = async (name: string) => /<memory unit='KiB'>(\d+)</.exec(await virsh('dumpxml', '--inactive', native(name)))?.[1];
const isPersistent = async (name: string) => /Persistent: +yes/.test(await virsh('dominfo', native(name)).catch(() => ''));
const kill9 = async (name: string) => process.kill((await lab.qemu(native(name))) as number, 'SIGKILL');
const verb = (machine: string, word: string) => ({
  kind: 'VirtualMachineAction',
  metadata: { name: `${machine}-${word.toLowerCase()}`, namespace: 'default' },
  spec: { machineRef: { name: machine }, verb: word },
});

/** Ready again, of this boot, by the host's word too. */
const runs = async (name: string, boot: number) => {
  await lab.untilReady(name, (seen) => bootId(seen) === `${boot}` && seen.status?.power?.state === 'Running');
  await lab.until(`${name} runs`, async () => (await power(name)) === 'running');
};
const isOver = async (name: string, boot: number, cause: string) =>
  lab.untilReady(
    name,
    ({ status }) => status?.power?.state === 'Stopped' && status.run?.lastStop?.bootId === `${boot}` && status.run.lastStop.cause === cause,
  );

await t.test('what a hand does behind our back is put right as the run strategy has it', async (t) => {
  await using operator = await lab.start({ pace: { resyncMs: 3_000 } });
  await world.apply(lab.hypervisor(), lab.pool());

  /** These leave the machine running, whatever its strategy: it must be the same process afterwards. */
  const sameRun = async (name: string, boot: number) => {
    const pid = await lab.qemu(native(name));
    await virsh('setmem', native(name), '30000', '--config');
    await virsh('setmaxmem', native(name), '30000', '--config');
    await lab.until('the edit is undone', async () => (await memory(name)) === '32768');
    await virsh('undefine', native(name));
    await lab.until('it is defined again', () => isPersistent(name));
    await runs(name, boot);
    t.equal(await lab.qemu(native(name)), pid, 'no reboot');
  };
  const resumed = async (name: string, boot: number) => {
    await virsh('suspend', native(name));
    await lab.until('it was resumed', async () => (await power(name)) === 'running');
    await runs(name, boot);
  };
  const staysForgotten = async (name: string) => {
    await virsh('undefine', native(name));
    await lab.until('it is defined again', () => isPersistent(name));
    await lab.untilReady(name, ({ status }) => status?.power?.state === 'Stopped');
  };

  const always = async () => {
    await world.apply(lab.machine('always', {}));
    await runs('always', 1);
    await sameRun('always', 1);
    await resumed('always', 1);
    await virsh('destroy', native('always'));
    await runs('always', 2);
    await kill9('always');
    await runs('always', 3);
    await virsh('destroy', native('always'));
    await virsh('undefine', native('always')).catch(() => {});
    await lab.untilReady('always', (seen) => Number(bootId(seen)) > 3);
  };
  const rerun = async () => {
    await world.apply(lab.machine('rerun', { runStrategy: 'RerunOnFailure' }));
    await runs('rerun', 1);
    await sameRun('rerun', 1);
    await resumed('rerun', 1);
    await kill9('rerun');
    await runs('rerun', 2);
    await virsh('destroy', native('rerun'));
    t.equal(reason(await isOver('rerun', 2, 'Cut')), 'Completed');
    await staysForgotten('rerun');
  };
  const once = async () => {
    await world.apply(lab.machine('once', { runStrategy: 'Once' }), lab.machine('once-cut', { runStrategy: 'Once' }));
    await runs('once', 1);
    await runs('once-cut', 1);
    await sameRun('once', 1);
    await resumed('once', 1);
    await kill9('once');
    await virsh('destroy', native('once-cut'));
    t.equal(reason(await isOver('once', 1, 'Crashed')), 'Completed');
    t.equal(reason(await isOver('once-cut', 1, 'Cut')), 'Completed');
    await staysForgotten('once');
  };
  const manual = async () => {
    await world.apply(lab.machine('manual', { runStrategy: 'Manual' }));
    await lab.untilReady('manual', ({ status }) => status?.power?.state === 'Stopped');
    await staysForgotten('manual');
    await world.apply(verb('manual', 'Start'));
    await runs('manual', 1);
    await sameRun('manual', 1);
    await virsh('suspend', native('manual'));
    await lab.untilReady('manual', ({ status }) => status?.power?.state === 'Paused');
    await virsh('resume', native('manual'));
    await runs('manual', 1);
    await kill9('manual');
    await isOver('manual', 1, 'Crashed');
    await virsh('start', native('manual'));
    await lab.untilReady('manual', ({ status }) => status?.power?.state === 'Running');
    await virsh('destroy', native('manual'));
    await lab.untilReady('manual', ({ status }) => status?.power?.state === 'Stopped');
  };
  const halted = async () => {
    await world.apply(lab.machine('halted', { runStrategy: 'Halted' }));
    await lab.untilReady('halted', ({ status }) => status?.power?.state === 'Stopped');
    await staysForgotten('halted');
    for (const words of [['start'], ['start', '--paused']]) {
      // It may be cut before it is up, and virsh then complains.
      await virsh(words[0] as string, native('halted'), ...words.slice(1)).catch(() => {});
      await lab.until('it is off again', async () => (await power('halted')) === 'shut off');
      await lab.untilReady('halted', ({ status }) => status?.power?.state === 'Stopped');
    }
    await virsh('setmaxmem', native('halted'), '30000', '--config');
    await lab.until('the edit is undone', async () => (await memory('halted')) === '32768');
    t.pass();
  };
  await Promise.all([always(), rerun(), once(), manual(), halted()]);

  for (const [name, boot] of [
    ['rerun', '2'],
    ['once', '1'],
    ['once-cut', '1'],
  ] as const) {
    t.equal(bootId(await world.get('VirtualMachine', name)), boot, `${name} was left off`);
    t.equal(await power(name), 'shut off');
  }
  await lab.remove('always', 'rerun', 'once', 'once-cut', 'manual', 'halted');
  t.equal((await virsh('list', '--all', '--name')).trim(), '');
  t.same(operator.troubles, []);
});
