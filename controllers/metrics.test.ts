import { Registry } from 'prom-client';
import t from 'tap';
import { connectFake, fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { Drift } from './drift.js';
import { createMetrics } from './metrics.js';
import { describeProgram } from './program-metrics.js';

const never = new AbortController().signal;

t.test('calls and connections are counted by host and how they ended', async (t) => {
  const registry = new Registry();
  const fake = new FakeHost();
  fake.account = { username: 'root', password: 'secret' };
  const connect = createMetrics(registry).metered(connectFake(fake), 'kvm1');
  const has = async (...lines: readonly string[]) => {
    const text = await registry.metrics();
    for (const line of lines) t.ok(text.includes(`\n${line}\n`), line);
  };
  await has('virtwright_hypervisor_connected{hypervisor="kvm1"} 0');
  await t.rejects(connect({ uri: 'fake:' }, never), { code: 'Denied' });
  fake.account = undefined;
  const driver = await connect({ uri: 'fake:' }, never);
  fake.faults.fail('pools.list', 'Exhausted');
  await t.rejects(async () => driver.pools?.list(never), { code: 'Exhausted' });
  await driver.pools?.list(never);
  await has(
    'virtwright_hypervisor_connections_total{hypervisor="kvm1",code="Denied"} 1',
    'virtwright_hypervisor_connections_total{hypervisor="kvm1",code="OK"} 1',
    'virtwright_hypervisor_connected{hypervisor="kvm1"} 1',
    'virtwright_driver_calls_total{hypervisor="kvm1",facet="pools",verb="list",code="Exhausted"} 1',
    'virtwright_driver_calls_total{hypervisor="kvm1",facet="pools",verb="list",code="OK"} 1',
    'virtwright_driver_call_duration_seconds_count{hypervisor="kvm1",facet="pools"} 2',
  );
  fake.disconnect();
  await driver.closed;
  await has('virtwright_hypervisor_connected{hypervisor="kvm1"} 0');
});

t.test('a connection made before the last one is known to be over counts, too', async (t) => {
  const registry = new Registry();
  const fake = new FakeHost();
  const connect = createMetrics(registry).metered(async () => fakeDriver(fake), 'kvm1');
  const first = await connect({ uri: 'fake:' }, never);
  await connect({ uri: 'fake:' }, never);
  await first[Symbol.asyncDispose]();
  t.match(await registry.metrics(), /virtwright_hypervisor_connected\{hypervisor="kvm1"\} 1\n/);
});

t.test('drift is what is acted on once it was reached, and not what somebody has declared since', (t) => {
  const drift = new Drift();
  const object = (uid: string, generation: number) => ({ metadata: { uid, generation } });
  t.notOk(drift.takes(object('a', 1)), 'never reached');
  drift.reached(object('a', 1));
  t.notOk(drift.takes(object('b', 1)));
  t.notOk(drift.takes(object('a', 2)), 'another spec');
  t.ok(drift.takes(object('a', 1)));
  t.notOk(drift.takes(object('a', 1)), 'a second act of the same correction');
  drift.reached(object('a', 1));
  drift.forget(object('a', 1));
  t.notOk(drift.takes(object('a', 1)));
  drift.reached(object('instance', 1), object('network', 4));
  t.notOk(drift.takes(object('instance', 1), object('network', 5)), 'declared anew elsewhere');
  t.ok(drift.takes(object('instance', 1), object('network', 4)));
  t.end();
});

t.test('the program says which it is', async (t) => {
  const registry = new Registry();
  describeProgram(registry, '1.2.3');
  const text = await registry.metrics();
  t.match(text, `virtwright_build_info{version="1.2.3",nodejs="${process.version}"} 1`);
  t.match(text, /\nprocess_cpu_seconds_total \d/);
});
