import t from 'tap';
import { runAgent } from '#controllers/agent/agent.js';
import { runController } from '#controllers/cluster/controller.js';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { noCredentials } from '#drivers/target.js';
import { takeAway } from './audit.js';
import { roles, running, useRights } from './rights.js';
import { until } from './until.js';

const { world, accountOf, controller, common } = await useRights(t);

const missed = [
  ['virtwright-controller', 'patch', 'virtualmachines'],
  ['virtwright-controller', 'patch', 'virtualmachines/status'],
  ['virtwright-agent', 'patch', 'virtualmachines/status'],
  ['virtwright-agent', 'patch', 'virtualmachines'],
] as const;

await t.test('without a verb nothing comes to its end, and with it again all does', { skip: world.cluster.collects }, async (t) => {
  const agent = await accountOf('virtwright-agent');
  const credentialKeys = () => noCredentials;
  const host = new FakeHost({ clock: systemClock });
  const hosts = { hypervisors: ['one'], cluster: 'test', connect: async () => fakeDriver(host), credentialKeys };
  await world.apply({ kind: 'Hypervisor', metadata: { name: 'one' }, spec: { uri: 'test:///default' } });
  await using _controller = running((until) => runController({ ...common, credentialKeys, client: controller.client }, until));
  await using _agent = running((until) => runAgent({ ...common, ...hosts, client: agent.client }, until));
  for (const [at, [name, verb, resource]] of missed.entries()) {
    const role = roles.find(({ kind, metadata }) => kind === 'ClusterRole' && metadata.name === name);
    if (role === undefined) throw new Error(`no ClusterRole ${name}`);
    const machine = `without-${at}`;
    const account = name === 'virtwright-agent' ? agent : controller;
    account.refused.clear();
    {
      await using _less = await takeAway(world.cluster, role, verb, resource);
      await world.apply({
        kind: 'VirtualMachine',
        metadata: { name: machine, namespace: 'default' },
        spec: { memory: { size: '64Mi' }, stop: { mode: 'Hard' } },
      });
      if (resource === 'virtualmachines' && account === agent) await deleted(machine);
      await until(() => account.refused.has(`${verb} ${resource}`));
    }
    if (await world.get('VirtualMachine', machine).then((seen) => seen?.metadata.deletionTimestamp === undefined)) await deleted(machine);
    await world.untilGone('VirtualMachine', machine);
    t.pass(`${name}: ${verb} ${resource}`);
  }
});

/** Begun to be: once it has its host. */
async function deleted(machine: string): Promise<void> {
  await world.until('VirtualMachine', machine, (seen) => seen.status?.hypervisor === 'one');
  await world.delete('VirtualMachine', machine);
}
