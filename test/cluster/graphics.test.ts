import t from 'tap';
import type { VirtualMachine } from '#crds/types.js';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { until } from './until.js';
import { condition, useWorld } from './world.js';

const world = await useWorld(t);
const host = new FakeHost({ clock: systemClock });
const start = () => world.start({ connect: async () => fakeDriver(host), hypervisors: ['one'], guestSecrets: { lookMs: 200 } });
const machine = (name: string, graphics: object = {}) => ({
  kind: 'VirtualMachine',
  metadata: { name, namespace: 'default' },
  spec: { memory: { size: '64Mi' }, stop: { mode: 'Hard' }, devices: { graphics: { type: 'VNC', ...graphics } } },
});
const putSecret = (name: string, password: string) =>
  world.kubectl('apply', '--server-side', '--force-conflicts', '-f', '-', {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'default' }, stringData: { password } }),
  });
const getSecret = async (name: string) => JSON.parse(await world.kubectl('get', 'secret', name, '-n', 'default', '-o', 'json'));
const passwordIn = async (name: string) => Buffer.from((await getSecret(name)).data.password, 'base64').toString();
const isReady = (seen: VirtualMachine) => condition(seen, 'Ready')?.status === 'True';
const running = (name: string) => host.byName(`default.${name}`)?.live?.graphics?.password;
const untilRunning = (name: string, password: string) => until(async () => running(name) === password);

await t.test('a password is made up once, kept in a Secret of the machine’s own, and told to nobody', async (t) => {
  await using operator = await start();
  await world.apply({ kind: 'Hypervisor', metadata: { name: 'one' }, spec: { uri: 'test:///default' } }, machine('web'));
  const seen = await world.until('VirtualMachine', 'web', isReady);
  const { metadata } = await getSecret('web-graphics');
  t.match(metadata.ownerReferences, [{ kind: 'VirtualMachine', name: 'web', uid: seen.metadata.uid, controller: true }]);
  const made = await passwordIn('web-graphics');
  t.match(made, /^[a-zA-Z2-9]{8}$/);
  t.equal(running('web'), made);
  t.match(seen.status?.graphics, { type: 'VNC', passwordSecretRef: { name: 'web-graphics', key: 'password' } });

  host.calls.length = 0;
  const before = operator.writes.length;
  await world.kubectl('annotate', 'virtualmachine', 'web', 'a=b');
  await new Promise((resolve) => setTimeout(resolve, 500));
  t.same([host.acts, operator.writes.length, await passwordIn('web-graphics')], [[], before, made]);

  await t.test('another one holds from then on, without a restart', async (t) => {
    await putSecret('web-graphics', 'Other-01');
    await untilRunning('web', 'Other-01');
    const changed = await world.until('VirtualMachine', 'web', (one) => isReady(one) && (one.status?.pendingChanges ?? []).length === 0);
    t.equal(changed.status?.run?.bootId, seen.status?.run?.bootId);
  });

  const everything = [
    await world.kubectl('get', 'virtualmachines,hypervisors,events.events.k8s.io', '-A', '-o', 'json'),
    operator.troubles.join(),
    await operator.metrics.registry.metrics(),
    host.calls.join(),
    host.byName('default.web')?.mark?.record,
  ].join();
  t.notMatch(everything, new RegExp(`${made}|Other-01`));
});

await t.test('a Secret of one’s own is waited for, and what is no password of VNC is refused without being told', async (t) => {
  await using operator = await start();
  await world.apply(machine('own', { passwordSecretRef: { name: 'mine' } }));
  const waits = await world.until('VirtualMachine', 'own', (seen) => condition(seen, 'Ready')?.reason === 'WaitingForPassword');
  t.match(condition(waits, 'Ready')?.message, /waiting for key "password" of Secret "mine"/);
  await putSecret('mine', 'far-too-long');
  const refused = await world.until('VirtualMachine', 'own', (seen) => condition(seen, 'Stalled')?.status === 'True');
  t.match(condition(refused, 'Stalled')?.message, /devices\.graphics\.password: .*1 to 8 printable ASCII characters/);
  t.notMatch(JSON.stringify(refused) + operator.troubles.join(), /far-too-long/);
  await putSecret('mine', 'short');
  await untilRunning('own', 'short');
  await world.kubectl('delete', 'secret', 'mine');
  await new Promise((resolve) => setTimeout(resolve, 500));
  t.ok(isReady((await world.get('VirtualMachine', 'own')) as VirtualMachine), 'a Secret that was taken away leaves it the password it has');
});

await t.test('a Secret that is not the machine’s own is left alone, though it has the machine’s name', async (t) => {
  await using _operator = await start();
  await putSecret('theirs-graphics', 'for-else');
  await world.apply(machine('theirs'));
  const waits = await world.until('VirtualMachine', 'theirs', (seen) => condition(seen, 'Ready')?.reason === 'WaitingForPassword');
  t.match(condition(waits, 'Ready')?.message, /is not this machine's own is left alone: remove it, or name one/);
  t.equal(await passwordIn('theirs-graphics'), 'for-else');
  await world.apply(machine('theirs', { passwordSecretRef: { name: 'theirs-graphics' } }));
  await untilRunning('theirs', 'for-else');
  for (const name of ['web', 'own', 'theirs']) await world.delete('VirtualMachine', name);
  for (const name of ['web', 'own', 'theirs']) await world.untilGone('VirtualMachine', name);
});
