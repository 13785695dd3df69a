import t from 'tap';
import type { VirtualMachine } from '#crds/types.js';
import { condition } from '#test/cluster/world.js';
import { useLab } from './lab.js';

const lab = await useLab(t);
const { world } = lab;

const action = (machine: string, verb: string, spec: object = {}) => ({
  kind: 'VirtualMachineAction',
  metadata: { name: `${machine}-${verb.toLowerCase()}`, namespace: 'default' },
  spec: { machineRef: { name: machine }, verb, ...spec },
});
const isStopped = ({ status }: VirtualMachine) => status?.power?.state === 'Stopped';
const isStopping = (machine: VirtualMachine) => condition(machine, 'Ready')?.reason === 'Stopping';
const stopRequestedAt = (machine: VirtualMachine | undefined) => machine?.status?.run?.stopRequestedAt;

/** What the agent did to the machine, by its events. */
async function acts(machine: string): Promise<readonly string[]> {
  const told = await world.kubectl('get', 'events', '-o', 'json');
  const events: readonly { readonly reason: string; readonly involvedObject: { readonly name: string } }[] = JSON.parse(told).items;
  return events.filter(({ involvedObject }) => involvedObject.name === machine).map(({ reason }) => reason);
}

await t.test('a machine whose QEMU hangs keeps no other waiting', async (t) => {
  await using operator = await lab.start({ pace: { glanceMs: 500, resyncMs: 2_000 } });
  await world.apply(lab.hypervisor(), lab.pool(), lab.machine('stuck', { stop: { mode: 'Soft' } }), lab.machine('other'));
  await lab.untilReady('stuck');
  await lab.untilReady('other');
  const pid = (await lab.qemu('default.stuck')) as number;
  process.kill(pid, 'SIGSTOP');
  try {
    // The press never returns: QEMU does not hear it.
    await world.apply(lab.machine('stuck', { runStrategy: 'Halted', stop: { mode: 'Soft' } }));
    await world.until('VirtualMachine', 'stuck', isStopping);
    await world.apply(lab.volume('disk'), lab.machine('new', { disks: [{ name: 'root', volumeRef: { name: 'disk' } }] }));
    await lab.untilReady('new');
    await lab.daemon.virsh('destroy', 'default.other');
    await lab.untilReady('other', ({ status }) => status?.run?.bootId === '2');
    await lab.remove('new');
    t.equal(condition((await world.get('Hypervisor', 'one')) ?? {}, 'Ready')?.status, 'True');
    t.equal(await lab.qemu('default.stuck'), pid, 'it hangs as it did');
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await world.apply(lab.machine('stuck', { runStrategy: 'Halted', stop: { mode: 'Hard' } }));
  await lab.untilReady('stuck', isStopped);
  await lab.remove('stuck', 'other');
  t.ok(operator.troubles.every((trouble) => /default\/stuck/.test(trouble)));
});

await t.test('a guest that hears the power button is never cut', async (t) => {
  await using _operator = await lab.start();
  await lab.furnish();
  await world.apply(lab.guest('hears', {}, { stop: { mode: 'TrySoft', timeoutSeconds: 600 } }));
  await lab.banner(await lab.untilReady('hears'));
  await world.apply(lab.guest('hears', {}, { runStrategy: 'Halted', stop: { mode: 'TrySoft', timeoutSeconds: 600 } }));
  const stopped = await lab.untilReady('hears', isStopped);
  t.equal(stopped.status?.run?.lastStop?.cause, 'Requested');
  t.match(stopped.status?.power, { reason: 'Guest' });
  await lab.remove('hears');
  t.notOk((await acts('hears')).includes('Cut'));
});

await t.test('a guest that is deaf to it is cut when its time is over, whoever restarts meanwhile', async (t) => {
  const asked = await (async () => {
    await using _operator = await lab.start();
    await world.apply(lab.hypervisor(), lab.machine('deaf', { stop: { mode: 'TrySoft', timeoutSeconds: 12 } }));
    await lab.untilReady('deaf');
    await world.apply(lab.machine('deaf', { runStrategy: 'Halted', stop: { mode: 'TrySoft', timeoutSeconds: 12 } }));
    return stopRequestedAt(await world.until('VirtualMachine', 'deaf', (seen) => stopRequestedAt(seen) !== undefined));
  })();
  await using _again = await lab.start();
  await world.until('VirtualMachine', 'deaf', (seen) => isStopping(seen) && seen.status?.hypervisor === 'one');
  t.equal(stopRequestedAt(await world.get('VirtualMachine', 'deaf')), asked, 'the time to wait does not begin anew');
  const stopped = await lab.untilReady('deaf', isStopped);
  t.match(stopped.status, { power: { reason: 'Cut' }, run: { lastStop: { cause: 'Requested' } } });
  t.same([...new Set(await acts('deaf'))].sort(), ['Cut', 'Define', 'Placed', 'Press', 'Start']);
});

await t.test('an action that only asks fails in words, and a deletion that only asks waits', async (t) => {
  await using _operator = await lab.start();
  const asking = { runStrategy: 'Manual', stop: { mode: 'Soft', timeoutSeconds: 1 } };
  await world.apply(lab.machine('polite', asking), action('polite', 'Start'));
  await lab.untilReady('polite', ({ status }) => status?.power?.state === 'Running');
  await world.apply(action('polite', 'Stop', { mode: 'Soft' }));
  const { status } = await world.until('VirtualMachineAction', 'polite-stop', (seen) => seen.status?.outcome !== undefined);
  t.match(status, { outcome: 'Failed' });
  t.match(
    condition({ ...(status === undefined ? {} : { status }) }, 'Complete')?.message ?? JSON.stringify(status),
    'did not power off within 1 s',
  );
  await lab.untilReady('polite', ({ status: seen }) => seen?.power?.state === 'Running');

  await world.delete('VirtualMachine', 'polite');
  await world.until('VirtualMachine', 'polite', isStopping);
  t.ok(await lab.qemu('default.polite'), 'it is not cut');
  await world.apply(lab.machine('polite', { ...asking, stop: { mode: 'Hard' } }));
  await lab.untilGone('VirtualMachine', 'polite');
  t.equal(await lab.qemu('default.polite'), undefined);
  await lab.remove('deaf');
});
