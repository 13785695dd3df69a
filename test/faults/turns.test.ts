import t from 'tap';
import { Audit } from '#test/cluster/audit.js';
import { freePorts } from '#test/cluster/process.js';
import { useLab } from './lab.js';

// Who is told to stop, or stands still, leaves the work to another: seen by what the API server writes down of each, and by the host.

const audit = new Audit();
t.teardown(() => audit[Symbol.asyncDispose]());
const lab = await useLab(t, {}, { args: audit.args });
const { world } = lab;

const leases = 'virtwright-system';
const holder = async (name: string): Promise<string> =>
  (await world.kubectl('get', 'lease', name, '-n', leases, '-o', 'jsonpath={.spec.holderIdentity}').catch(() => '')).replace(
    /_[0-9a-f]+$/,
    '',
  );
const untilHeld = (name: string, by: string) => lab.until(`${name} is held by ${by}`, async () => (await holder(name)) === by);
/** But for what an agent or a controller writes while nothing is to be done. */
const told = (user: string, since = 0) =>
  audit
    .writes(user, since)
    .filter(({ resource }) => resource !== 'leases')
    .map(({ verb, resource, name }) => `${verb} ${resource} ${name}`);
const untilAsked = (user: string, resource: string, since: number) =>
  lab.until(`${user} asks for ${resource}`, async () => audit.answered(user, since).filter((one) => one.resource === resource).length > 1);
const untilLeased = (user: string, since: number) =>
  lab.until(`${user} has its lease`, async () => audit.writes(user, since).some(({ resource }) => resource === 'leases'));
const untilReady = (port: number) =>
  lab.until(
    `who listens at ${port} has seen everything`,
    async () => (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined))?.status === 200,
  );
const acts = async (port: number): Promise<readonly string[]> =>
  (await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).split('\n').filter((line) => line.startsWith('virtwright_acts_total{'));
const seconds = (since: number) => ((Date.now() - since) / 1_000).toFixed(1);

const [portA = 0, portB = 0, portC = 0] = await freePorts(3);
const names = Array.from({ length: 5 }, (_, at) => `m${at}`);

await t.test('a leader that stood still and wakes writes nothing, and waits for its turn', async (t) => {
  await using agent = await lab.processOf('agent-a', 'agent');
  await using first = await lab.processOf('leader-a', 'controller');
  await untilHeld('virtwright-controller', 'leader-a');
  await using second = await lab.processOf('leader-b', 'controller');
  await world.apply(lab.hypervisor(), lab.pool());
  await world.until('Hypervisor', 'one', ({ status }) => status?.strays !== undefined, { timeoutMs: 120_000 });
  await world.apply(...names.map((name) => lab.machine(name, { runStrategy: 'Halted' })));
  await world.until('VirtualMachine', 'm0', ({ status }) => status?.hypervisor !== undefined);
  first.freeze(true);
  const frozenAt = Date.now();
  await untilHeld('virtwright-controller', 'leader-b');
  t.comment(`another leads ${seconds(frozenAt)} s after the leader stood still`);
  await world.delete('VirtualMachine', 'm0');
  for (const name of names.slice(1)) await lab.untilReady(name);
  await lab.untilGone('VirtualMachine', 'm0');
  const wokenAt = Date.now();
  first.freeze(false);
  await untilAsked('leader-a', 'leases', wokenAt);
  t.same(told('leader-a', wokenAt), []);
  t.equal(await holder('virtwright-controller'), 'leader-b');

  const toldAt = Date.now();
  await second.stop();
  t.comment(`the leader has left ${seconds(toldAt)} s after SIGTERM`);
  await untilHeld('virtwright-controller', 'leader-a');
  t.comment(`the next leads ${seconds(toldAt)} s after SIGTERM`);
  await world.apply(lab.machine('later', { runStrategy: 'Halted' }));
  await lab.untilReady('later');
  t.ok(told('leader-a', toldAt).includes('patch virtualmachines/status later'), 'it can, when it is its turn');
  await agent.stop();
  await first.stop();
});

await t.test('an agent that stood still and wakes does nothing, as another has its host', async (t) => {
  await using controller = await lab.processOf('leader-a', 'controller');
  await using first = await lab.processOf('agent-a', 'agent', '--listen', `${portA}`);
  await untilHeld('virtwright-agent-one', 'agent-a');
  await world.apply(lab.machine('runs'));
  await lab.untilReady('runs');
  await using second = await lab.processOf('agent-b', 'agent', '--listen', `${portB}`);
  const before = await acts(portA);
  first.freeze(true);
  // It would start it anew, if it came to that.
  await untilHeld('virtwright-agent-one', 'agent-b');
  await lab.daemon.virsh('destroy', 'default.runs');
  await lab.untilReady('runs', ({ status }) => status?.run?.bootId === '2');
  await world.kubectl('patch', 'virtualmachine', 'runs', '--type=merge', '-p', '{"spec":{"runStrategy":"Halted"}}');
  await lab.untilReady('runs', ({ status }) => status?.power?.state === 'Stopped');
  const wokenAt = Date.now();
  first.freeze(false);
  await untilAsked('agent-a', 'leases', wokenAt);
  t.same(await acts(portA), before, 'no act');
  t.same(told('agent-a', wokenAt), [], 'and no word');

  const url = lab.images.put('long', { bytes: Buffer.alloc(4 * 2 ** 20, 'x'), heldAt: 2 ** 20 });
  await world.apply(lab.volume('long', { source: { url, format: 'Raw' } }));
  await lab.images.untilHeld('long', 1);
  const toldAt = Date.now();
  await second.stop();
  t.match(await second.log(), /"stopped"/, 'of its own accord, amid an import');
  t.comment(`the agent has left ${seconds(toldAt)} s after SIGTERM`);
  await untilHeld('virtwright-agent-one', 'agent-a');
  t.comment(`the next one has its host ${seconds(toldAt)} s after SIGTERM`);
  await world.kubectl('patch', 'virtualmachine', 'runs', '--type=merge', '-p', '{"spec":{"runStrategy":"Always"}}');
  await lab.untilReady('runs', ({ status }) => status?.power?.state === 'Running');
  // It would be tried again and again, and told.
  await world.delete('StorageVolume', 'long');
  await lab.untilGone('StorageVolume', 'long');
  await first.stop();
  await controller.stop();
});

await t.test('controllers and agents that are replaced one by one leave machines untouched, and say nothing', async (t) => {
  const begunAt = Date.now();
  await using controllers = await lab.processOf('leader-a', 'controller');
  await using agents = await lab.processOf('agent-a', 'agent', '--listen', `${portA}`);
  // Before they are at work all is at rest, too, and what those before them left undone would be done in the turn that is looked at.
  await untilLeased('leader-a', begunAt);
  await untilLeased('agent-a', begunAt);
  await untilReady(portA);
  await lab.untilReady('runs');
  const pid = await lab.qemu('default.runs');
  const versions = async () =>
    world.kubectl(
      'get',
      'virtwright',
      '-A',
      '-o',
      'jsonpath={range .items[*]}{.kind} {.metadata.name} {.metadata.resourceVersion}{"\\n"}{end}',
    );
  await lab.until('all is at rest', async () => {
    const seen = await versions();
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    return seen === (await versions());
  });
  const before = await versions();
  const since = Date.now();
  await using newControllers = await lab.processOf('leader-new', 'controller');
  await controllers.stop();
  await untilHeld('virtwright-controller', 'leader-new');
  await using newAgents = await lab.processOf('agent-new', 'agent', '--listen', `${portC}`);
  await agents.stop();
  await untilHeld('virtwright-agent-one', 'agent-new');
  await untilReady(portC);
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  for (const user of ['leader-a', 'leader-new', 'agent-a', 'agent-new']) t.same(told(user, since), [], user);
  t.equal(await versions(), before);
  t.match(before, /^VirtualMachine runs \d+$/m);
  t.same(await acts(portC), [], 'no act');
  t.equal(await lab.qemu('default.runs'), pid, 'the same process runs');
  await newAgents.stop();
  await newControllers.stop();
});
