import t, { type Test } from 'tap';
import type { HostEvent } from '#drivers/driver.js';
import { Credentials } from '#drivers/target.js';
import { Simulator } from '#simulators/hyperv/simulator.js';
import { connectHypervDriver } from './driver.js';

t.setTimeout(120_000);
const user = { name: 'Administrator', password: 'secret' };
const soon = () => AbortSignal.timeout(30_000);

async function watched(t: Test) {
  const simulator = await Simulator.start({ mode: 'v2', folder: t.testdir(), users: [user] });
  const secret = [
    ['username', Buffer.from(user.name)],
    ['password', Buffer.from(user.password)],
  ] as const;
  const driver = await connectHypervDriver(`hyperv://127.0.0.1:${simulator.port}/?transport=http`, new Credentials([...secret]), {
    signal: soon(),
  });
  t.teardown(async () => {
    await driver[Symbol.asyncDispose]();
    await simulator[Symbol.asyncDispose]();
  });
  if (driver.events === undefined) throw new Error('no events');
  const events = driver.events.watch(soon())[Symbol.asyncIterator]();
  const next = async (): Promise<HostEvent> => (await events.next()).value;
  return { simulator, driver, next };
}

t.test('a subscription that the host refuses is told once, and tried again until it hears us', async (t) => {
  const { simulator, next } = await watched(t);
  t.same(await next(), { kind: 'gap' }, 'heard');
  simulator.host.troubles.add('Subscribe', { kind: 'denied' }, 2);
  simulator.forget();
  t.match(await next(), { kind: 'gap', because: { name: 'DriverError' } }, 'the host has forgotten us');
  t.same(await next(), { kind: 'gap' }, 'and hears us again, after two refusals of which nobody is told');
  t.equal(simulator.host.asked.filter((what) => what.startsWith('Subscribe')).length, 4);
});
