import t from 'tap';
import {
  type Hypervisor,
  type StoragePool,
  type StoragePoolInstance,
  type StorageVolume,
  type VirtualMachine,
  virtualMachines,
} from '#crds/types.js';
import { rehearse } from '#drivers/connect.js';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { hypervisorDefaults } from '#test/hypervisor-spec.js';
import { reportHost } from '../hypervisor/report.js';
import { createStore } from '../kubernetes/store.js';
import { indexes } from '../stores.js';
import { type Answer, answerPlan } from './answer.js';
import { foresee, type Sight } from './foresee.js';

// As an agent answers, of a host in memory, with what it knows of the API in stores.

const apiVersion = 'virtwright.io/v1alpha1';
const host = new FakeHost({ clock: systemClock });
const driver = fakeDriver(host);
const soon = () => AbortSignal.timeout(120_000);

const metaOf = (name: string, uid: string, namespace?: string) => ({
  name,
  uid,
  ...(namespace === undefined ? {} : { namespace }),
  resourceVersion: '1',
  generation: 1,
  creationTimestamp: '2030-01-01T00:00:00Z',
});
const uidOf = (nr: number) => `${nr}`.padStart(8, 'a').concat('-2222-4333-8444-555555555555');
const bare = {
  apiVersion,
  kind: 'Hypervisor',
  metadata: metaOf('one', uidOf(1)),
  spec: { ...hypervisorDefaults, uri: 'fake:', systemPoolRef: { name: 'fast' }, defaultPoolRef: { name: 'fast' } },
} as const satisfies Hypervisor;
/** As its agent reports it. */
const hypervisor: Hypervisor = {
  ...bare,
  status: reportHost(bare, { description: await driver.host.describe(soon()), strays: [] }, Date.now()),
};
const pool = {
  apiVersion,
  kind: 'StoragePool',
  metadata: metaOf('fast', uidOf(2)),
  spec: { span: 'PerHost', allowedNamespaces: { from: 'All' }, directory: { path: '/pools/fast' } },
} as const satisfies StoragePool;
const machine = (name: string, uid: string, spec: object = {}, namespace = 'shop') =>
  ({
    apiVersion,
    kind: 'VirtualMachine',
    metadata: metaOf(name, uid, namespace),
    spec: { runStrategy: 'Halted', stop: { mode: 'Hard', timeoutSeconds: 120 }, cpu: { count: 1 }, memory: { size: '64Mi' }, ...spec },
  }) as unknown as VirtualMachine;
const told = (name: string) => ({ cloudInit: { userDataSecretRef: { name, key: 'userData' } } });
const bound = (one: VirtualMachine): VirtualMachine => ({ ...one, status: { hypervisor: 'one' } });

const secrets = new Map<string, string>();
const machines = createStore<VirtualMachine>({ indexes: indexes.machines });
const empty = { store: createStore<never>() };
const hypervisors = createStore<Hypervisor>();
hypervisors.set(hypervisor);
const sight: Sight = {
  driver,
  host: { name: 'one', cluster: 'here', hypervisor, capabilities: host.capabilities },
  watched: {
    hypervisors: { store: hypervisors },
    machines: { store: machines },
    volumes: { store: createStore<StorageVolume>() },
    pools: { store: createStore<StoragePool>() },
    instances: { store: createStore<StoragePoolInstance>() },
    actions: empty,
    networks: empty,
    networkInstances: empty,
    namespaces: empty,
  },
  secretValues(uid, field) {
    const text = secrets.get(`${uid}.${field}`);
    return text === undefined ? { kind: 'missing', because: 'there is none' } : { kind: 'value', bytes: Buffer.from(text), salt: 'salt' };
  },
  letIn: () => 'nobody',
  rehearse,
};

async function ask(objects: readonly object[], scope?: string, signal = soon()): Promise<Answer> {
  return JSON.parse(await answerPlan(JSON.stringify({ objects, isAlone: true }), { ...sight, scope }, signal)) as Answer;
}

/** The name of a seed is told in calls, and says whether two are the same. */
const seedIn = ({ calls }: Answer): string | undefined => calls.find((call) => call.startsWith('volumes.') && call.includes('.seed-'));

/** Whether a plan is another when the Secret has another content. */
async function shows(secret: string, ...objects: readonly object[]): Promise<boolean> {
  secrets.set(secret, '#cloud-config\npassword: a');
  const one = seedIn(await ask(objects));
  secrets.set(secret, '#cloud-config\npassword: b');
  const other = seedIn(await ask(objects));
  t.match([one, other], [/seed/, /seed/], 'it has a seed');
  return one !== other;
}

t.test('what was handed over is told of by the machine alone that it is of', async (t) => {
  const vault = uidOf(10);
  machines.set(bound(machine('vault', vault, told('keys'), 'bank')));
  t.ok(await shows(`${vault}.userData`, pool, machine('vault', vault, told('keys'), 'bank')), 'as it knows it');
  await t.rejects(ask([machine('guess', vault, told('keys'))], 'shop'), { code: 'Denied', message: /"guess": uid .* is another object's/ });
  await t.rejects(ask([machine('guess', hypervisor.metadata.uid)], 'shop'), { code: 'Denied' }, 'of whatever kind');
  await t.rejects(ask([machine('a', uidOf(11)), machine('b', uidOf(11))]), { code: 'Denied' }, 'among what is shown as well');
  t.notOk(await shows(`${uidOf(12)}.userData`, pool, machine('elsewhere', uidOf(12), told('keys'))), 'of one that this host does not have');
});

t.test('a machine that names another Secret is told something else, and nobody knows what', async (t) => {
  const [web, named] = [uidOf(20), `${uidOf(20)}.userData`];
  machines.set(bound(machine('web', web, told('old'))));
  secrets.set(named, 'x');
  const before = seedIn(await ask([pool, machine('web', web, told('old'))]));
  const after = seedIn(await ask([pool, machine('web', web, told('new'))]));
  t.not(after, before, 'it gets a seed of its own');
  t.notOk(await shows(named, pool, machine('web', web, told('new'))), 'the old one says nothing of it');
  const earlier = uidOf(21);
  t.notOk(await shows(`${earlier}.userData`, pool, machine('web', earlier, told('old'))), 'nor what an earlier one of its name was told');
});

t.test('a plan leaves others their turn, ends with who asked, and has bounds', async (t) => {
  const many = Array.from({ length: 60 }, (_, nr) => machine(`many-${nr}`, uidOf(100 + nr)));
  let turns = 0;
  let isOver = false;
  const turn = (): void => {
    turns += 1;
    if (!isOver) setImmediate(turn);
  };
  turn();
  await ask(many);
  isOver = true;
  t.ok(turns > 2 * many.length, `${turns} turns`);

  const gone = new AbortController();
  const asked = ask(many, 'shop', gone.signal);
  setImmediate(() => setImmediate(() => gone.abort()));
  await t.rejects(asked, { name: 'AbortError' });
  const again = new AbortController();
  const soonGone = () => void setImmediate(() => setImmediate(() => again.abort()));
  const late: Sight = { ...sight, rehearse: (...given) => rehearse(...given).finally(soonGone) };
  const candidates = many.map((object) => ({ resource: virtualMachines, object }));
  await t.rejects(foresee(candidates, true, late, again.signal), { name: 'AbortError' }, 'also once it is at work');

  const disks = Array.from({ length: 24 }, (_, nr) => ({ name: `d${nr}`, volumeTemplate: { size: '1Mi', whenDeleted: 'Retain' } }));
  const wide = [{ resource: virtualMachines, object: machine('wide', uidOf(30), { disks }) }];
  const most = { objects: 20, ms: 600_000 };
  await t.rejects(foresee(wide, true, sight, soon(), most), { code: 'Exhausted', message: /more than 20 objects.*ask of fewer/ });
  await t.rejects(foresee(candidates, true, sight, soon(), { ...most, objects: 100, ms: 0 }), { code: 'Exhausted', message: /takes more/ });
});
