import { once } from 'node:events';
import { connect } from 'node:net';
import t from 'tap';
import { runScreenshot } from '#cli/session/screenshot.js';
import { listenForViewers } from '#cli/session/vnc.js';
import { sessions } from '#crds/types.js';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { until } from './until.js';
import { condition, useWorld } from './world.js';

const world = await useWorld(t);
const host = new FakeHost({ clock: systemClock });
const operator = await world.start({ connect: async () => fakeDriver(host), hypervisors: ['one'] });
t.teardown(() => operator.stop());
const soon = () => AbortSignal.timeout(60_000);
const of = { namespace: 'default', machine: 'desk' };
const machine = (name: string) => ({
  kind: 'VirtualMachine',
  metadata: { name, namespace: 'default' },
  spec: { memory: { size: '64Mi' } },
});

await world.apply({ kind: 'Hypervisor', metadata: { name: 'one' }, spec: { uri: 'test:///default' } }, machine('desk'), machine('blind'));
for (const name of ['desk', 'blind']) await world.until('VirtualMachine', name, (seen) => condition(seen, 'Ready')?.status === 'True');
const desk = host.byName('default.desk');
// As another hand plugs it in.
if (desk?.live !== undefined) desk.live = { ...desk.live, graphics: { type: 'VNC', password: 'secret' } };
desk?.become(desk.power);

/** What a server of VNC says first. */
async function greeting(port: number): Promise<string> {
  const viewer = connect(port, '127.0.0.1');
  const [said] = (await once(viewer, 'data')) as [Buffer];
  viewer.destroy();
  return said.toString('latin1');
}

await t.test('a screen is taken as a picture', async (t) => {
  const { type, bytes } = await runScreenshot(world.client, of, soon());
  t.equal(type, 'image/png');
  t.same([...bytes.subarray(0, 4)], [0x89, 0x50, 0x4e, 0x47]);
  await t.rejects(runScreenshot(world.client, { ...of, machine: 'blind' }, soon()), {
    message: /has no screen; give it one with spec\.devices\.graphics/,
  });
});

await t.test('viewers come and go behind one port, each by a session of its own', async (t) => {
  const troubles: string[] = [];
  const onTrouble = (message: string) => void troubles.push(message);
  await using listening = await listenForViewers(world.client, of, { port: 0, onTrouble }, soon());
  for (const _ of [1, 2]) t.match(await greeting(listening.port), /^RFB 003\./);
  t.match(await Promise.all([greeting(listening.port), greeting(listening.port)]), [/^RFB/, /^RFB/], 'also at once');
  await until(async () => (await world.client.list(sessions, { namespace: 'default' }, soon())).items.length === 0);
  t.same(troubles, []);
  const none = listenForViewers(world.client, { ...of, machine: 'blind' }, { port: 0, onTrouble }, soon());
  await t.rejects(none, { message: /has no graphics; give it some with spec\.devices\.graphics/ });
  await t.rejects(listenForViewers(world.client, of, { port: listening.port, onTrouble }, soon()), {
    name: 'Failure',
    message: /EADDRINUSE/,
  });
});
