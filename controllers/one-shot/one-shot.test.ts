import { setMaxListeners } from 'node:events';
import t, { type Test } from 'tap';
import { rehearsing } from '#drivers/connect.js';
import { systemClock } from '#drivers/fake/clock.js';
import { connectFake } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { noCredentials } from '#drivers/target.js';
import type { Outcome } from '../foresight/outcome.js';
import { exitCodeOf, planText } from '../foresight/text.js';
import type { Written } from './objects.js';
import { applyOnce, OneShotError, planOnce, type Request, renderOnce } from './run.js';

// As in the program: many waits hang on one signal.
setMaxListeners(0);

const plain = (text: string): string => text;
const soon = () => AbortSignal.timeout(120_000);
const apiVersion = 'virtwright.io/v1alpha1';
const pool: Written = { apiVersion, kind: 'StoragePool', metadata: { name: 'fast' }, spec: { directory: { path: '/srv/fast' } } };
const volume = (name: string, spec: object = {}): Written => ({
  apiVersion,
  kind: 'StorageVolume',
  metadata: { name },
  spec: { size: '8Mi', format: 'Raw', ...spec },
});
const machine = (spec: object = {}): Written => ({
  apiVersion,
  kind: 'VirtualMachine',
  metadata: { name: 'web', namespace: 'shop' },
  spec: { memory: { size: '64Mi' }, stop: { mode: 'Hard' }, ...spec },
});
const withDisk = (spec: object = {}) =>
  machine({ cpu: { count: 1, maxCount: 4 }, disks: [{ name: 'root', volumeTemplate: { size: '8Mi', format: 'Raw' } }], ...spec });

class Bench {
  readonly host = new FakeHost({ clock: systemClock });

  request(...written: readonly Written[]): Request {
    return {
      connect: connectFake(this.host),
      credentialKeys: () => noCredentials,
      rehearsing,
      uri: 'fake:///bench',
      written,
      namespace: 'default',
      cluster: 'test',
      timeoutMs: 60_000,
    };
  }

  /** Nothing is asked of the host but looks. */
  async plan(t: Test, ...written: readonly Written[]): Promise<Outcome> {
    const before = this.host.acts.length;
    const outcome = await planOnce(this.request(...written), soon());
    t.same(this.host.acts.slice(before), [], 'a plan changes nothing');
    return outcome;
  }

  /** Gives what was asked of the host. */
  async apply(...written: readonly Written[]): Promise<{ readonly outcome: Outcome; readonly acts: readonly string[] }> {
    const before = this.host.acts.length;
    const outcome = await applyOnce(this.request(...written), () => {}, soon());
    return { outcome, acts: this.host.acts.slice(before) };
  }
}

/** Of each object by itself: objects do not wait for each other where they need not. */
const byObject = (calls: readonly string[]): readonly string[] => [...calls].sort();

t.test('an apply does what its plan said, and nothing else; then there is nothing to do', async (t) => {
  const bench = new Bench();
  const lives: readonly (readonly Written[])[] = [
    [pool, withDisk()],
    [pool, withDisk({ cpu: { count: 2, maxCount: 4 }, devices: { rng: {} }, updatePolicy: { allow: ['Restart'] } })],
    [pool, withDisk({ cpu: { count: 2, maxCount: 4 }, devices: { rng: {} }, runStrategy: 'Halted' }), volume('data')],
  ];
  for (const [at, files] of lives.entries()) {
    const planned = await bench.plan(t, ...files);
    if (at === 1) t.same((await bench.plan(t, ...files)).steps, planned.steps, 'a plan is the same each time');
    t.equal(exitCodeOf(planned), 2, planText(planned, plain));
    const { outcome, acts } = await bench.apply(...files);
    t.same(outcome.steps, planned.steps, `${at}: step by step`);
    t.same(byObject(acts), byObject(planned.calls), `${at}: call by call`);
    const after = await bench.plan(t, ...files);
    t.equal(exitCodeOf(after), 0, planText(after, plain));
    t.same(after.steps, []);
  }
  t.match(bench.host.byName('shop.web')?.power, { state: 'Off' });
});

t.test('a plan tells what each change takes, what waits, and what does not come about', async (t) => {
  const bench = new Bench();
  await bench.apply(pool, withDisk());
  const changed = await bench.plan(t, pool, withDisk({ cpu: { count: 2, maxCount: 8 }, boot: { order: ['root'] } }));
  t.match(changed.steps, [
    {
      action: 'Define',
      changes: [
        { field: 'spec.cpu.count', class: 'Hotplug' },
        { field: 'spec.cpu.maxCount', class: 'Restart' },
        { field: 'spec.boot.order', class: 'NextBoot' },
      ],
    },
    { action: 'Apply' },
  ]);
  t.match(changed.waits, [
    { field: 'spec.cpu.maxCount', reason: 'Restart' },
    { field: 'spec.boot.order', reason: 'NextBoot' },
  ]);
  t.match(planText(changed, plain), /spec\.cpu\.count: Hotplug, .*\n.*spec\.cpu\.maxCount: Restart/);

  const refused = await bench.plan(t, pool, withDisk({ cpu: { count: 65 } }));
  t.equal(exitCodeOf(refused), 1);
  t.match(refused.troubles, [
    { kind: 'StorageVolume', message: 'it goes where machine "web" goes' },
    { kind: 'VirtualMachine', name: 'web', message: /spec\.cpu\.count: 65 given/ },
  ]);
  const missing = await bench.plan(t, machine({ disks: [{ name: 'root', volumeRef: { name: 'nowhere' } }] }));
  t.match(missing.troubles, [{ kind: 'VirtualMachine', message: /nowhere/ }]);
});

t.test('what cannot be meant is refused in words', async (t) => {
  const bench = new Bench();
  const hypervisor = (name: string): Written => ({ apiVersion, kind: 'Hypervisor', metadata: { name } });
  await t.rejects(
    planOnce(bench.request(hypervisor('a'), hypervisor('b')), soon()),
    new OneShotError('2 Hypervisors in the files, and one host is meant by --host; accepted is one at most'),
  );
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' } };
  await t.rejects(planOnce(bench.request(pod), soon()), { message: /Pod "x" \(v1\): one host alone has .*VirtualMachine/ });
  await t.rejects(planOnce(bench.request(machine({ memroy: 1 })), soon()), { message: /VirtualMachine "web".*memroy/s });
  t.same(bench.host.acts, []);
});

t.test('what is rendered is what the driver would write, with passwords covered', async (t) => {
  const bench = new Bench();
  const secret: Written = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'screen', namespace: 'shop' },
    stringData: { password: 'hunter22' },
  };
  const screen = machine({ devices: { graphics: { type: 'VNC', passwordSecretRef: { name: 'screen' } } } });
  const { rendered, outcome } = await renderOnce(bench.request(secret, screen), soon());
  t.match(rendered, [{ name: 'web', namespace: 'shop', format: 'JSON', exists: false, text: /"password": "\*\*\*"/ }]);
  t.notMatch(JSON.stringify([rendered, outcome]), 'hunter22');
  t.same(bench.host.acts, [], 'nothing changes on the host');
});
