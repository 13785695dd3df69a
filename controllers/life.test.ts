import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import t from 'tap';
import type {
  Hypervisor,
  StoragePool,
  StoragePoolInstance,
  StorageVolume,
  VirtualMachine,
  VirtualMachineAction,
  VirtualMachineActionSpec,
  VirtualMachineSpec,
  VirtualNetwork,
  VirtualNetworkInstance,
} from '#crds/types.js';
import type { Driver } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { Behind } from '#drivers/fake/behind.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import type { FakeMachine } from '#drivers/fake/machine.js';
import { hypervisorDefaults } from '#test/hypervisor-spec.js';
import { isReady } from './conditions.js';
import { Jobs } from './host/jobs.js';
import { Locks } from './host/locks.js';
import { HostView } from './host/view.js';
import { keyOf } from './kubernetes/resource.js';
import { createStore, type Store } from './kubernetes/store.js';
import type { Namespace } from './namespaces.js';
import type { AnyAction } from './plan.js';
import { type Kind, type Outcome, reconcile } from './reconcile.js';
import { storagePoolInstanceKind } from './storage-pool-instance/kind.js';
import { storageVolumeKind } from './storage-volume/kind.js';
import { Uploads } from './storage-volume/uploads.js';
import { indexes } from './stores.js';
import { virtualMachineKind } from './virtual-machine/kind.js';
import { calmMs } from './virtual-machine/put-back.js';
import { decodeRecord } from './virtual-machine/record-text.js';
import { reportAction } from './virtual-machine-action/report.js';

// Whole lives on a fake host: the real kinds, view, jobs and reconcile, with an API server that is only its stores.

const image = Buffer.alloc(200_000, 'image');
const server = createServer((_, answer) => answer.writeHead(200, { 'content-length': image.length }).end(image));
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/image`;
t.teardown(() => server.close());

const epoch = Date.UTC(2030, 0);
const uid = 'aaaaaaaa-2222-4333-8444-555555555555';
const volumeUid = 'bbbbbbbb-2222-4333-8444-555555555555';

const metaOf = (name: string, given: string) => ({
  name,
  uid: given,
  resourceVersion: '1',
  generation: 1,
  creationTimestamp: '2030-01-01T00:00:00Z',
});

const hypervisor: Hypervisor = {
  apiVersion: 'virtwright.io/v1alpha1',
  kind: 'Hypervisor',
  metadata: metaOf('one', 'h-1'),
  spec: {
    ...hypervisorDefaults,
    uri: 'fake:',
    systemPoolRef: { name: 'fast' },
    grants: [{ name: 'lo', namespaces: { from: 'All' }, addresses: ['127.0.0.0/8'] }],
  },
};
const pool: StoragePool = {
  apiVersion: 'virtwright.io/v1alpha1',
  kind: 'StoragePool',
  metadata: metaOf('fast', 'p-1'),
  spec: { span: 'PerHost', allowedNamespaces: { from: 'All' }, directory: { path: '/pools/fast' } },
};
const instance: StoragePoolInstance = {
  apiVersion: 'virtwright.io/v1alpha1',
  kind: 'StoragePoolInstance',
  metadata: metaOf('fast.one', 'i-1'),
  spec: { poolRef: { name: 'fast' }, hypervisor: 'one' },
};
const volumeWith = (spec: Partial<StorageVolume['spec']>): StorageVolume => ({
  apiVersion: 'virtwright.io/v1alpha1',
  kind: 'StorageVolume',
  metadata: { ...metaOf('root', volumeUid), namespace: 'shop' },
  spec: { size: '1Mi', format: 'Raw', reclaimPolicy: 'Delete', ...spec },
  status: { hypervisor: 'one', pool: 'fast.one', claim: { machine: 'web', uid } },
});
const machineWith = (spec: Partial<VirtualMachineSpec>): VirtualMachine => ({
  apiVersion: 'virtwright.io/v1alpha1',
  kind: 'VirtualMachine',
  metadata: { ...metaOf('web', uid), namespace: 'shop' },
  spec: {
    runStrategy: 'Always',
    stop: { mode: 'TrySoft', timeoutSeconds: 120 },
    cpu: { count: 1 },
    memory: { size: '64Mi' },
    disks: [{ name: 'root', volumeRef: { name: 'root' } }],
    ...spec,
  },
  status: { hypervisor: 'one' },
});

type AnyObject = {
  readonly metadata: VirtualMachine['metadata'] | Hypervisor['metadata'];
  readonly status?: object;
  readonly spec: object;
};

/** What the guest went through, as the host saw it. */
interface Deeds {
  boots: number;
  stops: number;
  resets: number;
}

interface AgentOfHost {
  readonly driver: Driver;
  readonly view: HostView;
  readonly jobs: Jobs;
  readonly kinds: ReturnType<typeof kindsOf>;
  dead: boolean;
}

type Stores = ReturnType<typeof storesOf>;

const storesOf = () => ({
  machines: createStore<VirtualMachine, 'volume' | 'network' | 'macAddress' | 'uid' | 'uuid'>({ indexes: indexes.machines }),
  actions: createStore<VirtualMachineAction, 'machine'>({ indexes: indexes.actions }),
  pools: createStore<StoragePool>(),
  instances: createStore<StoragePoolInstance, 'pool'>({ indexes: indexes.instances }),
  volumes: createStore<StorageVolume, 'instance' | 'claim'>({ indexes: indexes.volumes }),
  networks: createStore<VirtualNetwork>(),
  networkInstances: createStore<VirtualNetworkInstance, 'network'>({ indexes: indexes.networkInstances }),
  namespaces: createStore<Namespace>(),
  secretValues: () => ({ kind: 'missing', because: 'none' }) as const,
});

const kindsOf = (host: FakeHost, stores: Stores, jobs: Jobs) => {
  const scope = { name: 'one', cluster: 'here', hypervisor, capabilities: host.capabilities };
  const locks = new Locks();
  return {
    instances: storagePoolInstanceKind(scope, stores),
    volumes: storageVolumeKind(scope, stores, jobs, locks, new Uploads(() => {})),
    machines: virtualMachineKind(scope, stores, locks),
  };
};

interface Crash {
  /** The connection dies after so many calls more. */
  readonly after: number;
  readonly losingReply: boolean;
  /** The agent dies with its connection: it says nothing more. */
  readonly wholeAgent: boolean;
}

class Life {
  readonly host = new FakeHost();
  readonly behind = new Behind(this.host);
  readonly stores = storesOf();
  readonly deeds: Deeds = { boots: 0, stops: 0, resets: 0 };
  readonly acts: string[] = [];
  writes = 0;
  wholeAgent = false;
  #agent: AgentOfHost | undefined;
  #version = 1;

  constructor(machine: VirtualMachine, volume = volumeWith({})) {
    this.#watchGuests();
    this.stores.pools.set(pool);
    this.stores.instances.set(instance);
    this.stores.volumes.set(volume);
    this.stores.machines.set(machine);
  }

  get now(): number {
    return epoch + this.host.clock.now();
  }

  get machine(): VirtualMachine | undefined {
    return this.stores.machines.get('shop/web');
  }

  get volume(): StorageVolume | undefined {
    return this.stores.volumes.get('shop/root');
  }

  get onHost(): FakeMachine | undefined {
    return this.host.byUuid(uid);
  }

  crash({ after, losingReply, wholeAgent }: Crash): void {
    this.wholeAgent = wholeAgent;
    this.host.faults.dieAfter(after, { losingReply });
  }

  /** As the API server would: through JSON, with a new version. */
  put<R extends AnyObject>(store: Store<R, string>, object: R): R {
    const metadata = { ...object.metadata, resourceVersion: String(++this.#version) };
    const stored = JSON.parse(JSON.stringify({ ...object, metadata })) as R;
    store.set(stored);
    return stored;
  }

  spec(spec: Partial<VirtualMachineSpec>): void {
    const { machine } = this;
    assert(machine);
    const metadata = { ...machine.metadata, generation: machine.metadata.generation + 1 };
    this.put(this.stores.machines, { ...machine, metadata, spec: { ...machine.spec, ...spec } });
  }

  ask(name: string, spec: Omit<VirtualMachineActionSpec, 'machineRef'>): void {
    this.put<VirtualMachineAction>(this.stores.actions, {
      apiVersion: 'virtwright.io/v1alpha1',
      kind: 'VirtualMachineAction',
      metadata: { ...metaOf(name, `uid-${name}`), namespace: 'shop', creationTimestamp: new Date(this.now).toISOString() },
      spec: { machineRef: { name: 'web' }, ...spec },
      status: { hypervisor: 'one' },
    });
  }

  outcome(name: string): string | undefined {
    return this.stores.actions.get(`shop/${name}`)?.status?.outcome;
  }

  delete<R extends AnyObject>(store: Store<R, string>, key: string): void {
    const object = store.get(key);
    if (object !== undefined)
      this.put(store, { ...object, metadata: { ...object.metadata, deletionTimestamp: new Date(this.now).toISOString() } });
  }

  /** Passes over everything, and lets time pass where that is waited for, until all is at rest. */
  async converge(withinMs = 2 * 3_600_000): Promise<void> {
    const end = this.now + withinMs;
    for (let round = 0; round < 2_000; round++) {
      const before = [this.#version, this.host.acts.length, this.#agent] as const;
      const outcomes = await this.passes();
      const moved = !isDeepStrictEqual(before.slice(0, 2), [this.#version, this.host.acts.length]) || before[2] !== this.#agent;
      if (moved || this.#agent?.dead === true) continue;
      const recheckMs = outcomes.flatMap((one) => (one.kind === 'progressing' ? [one.recheckMs] : one.kind === 'retry' ? [1_000] : []));
      if (recheckMs.length === 0) return;
      if (this.now > end) break;
      this.host.clock.advance(Math.max(1, Math.min(...recheckMs)));
    }
    assert.fail(`no rest: ${JSON.stringify([this.machine?.status, this.volume?.status, this.host.acts.slice(-12)])}`);
  }

  /** One pass over each object, by an agent that is alive. */
  async passes(): Promise<readonly Outcome[]> {
    if (this.#agent === undefined || this.#agent.dead) await this.#begin();
    const agent = this.#agent;
    assert(agent);
    const { kinds, view } = agent;
    await view.glance(AbortSignal.timeout(10_000)).catch(() => {});
    const outcomes: Outcome[] = [];
    try {
      for (const one of this.stores.instances.list()) outcomes.push(await this.#pass(agent, kinds.instances, this.stores.instances, one));
      for (const one of this.stores.volumes.list()) outcomes.push(await this.#pass(agent, kinds.volumes, this.stores.volumes, one));
      for (const one of this.stores.machines.list()) outcomes.push(await this.#pass(agent, kinds.machines, this.stores.machines, one));
      await this.#jobs(agent);
    } catch (reason) {
      if (!agent.dead) throw reason;
    }
    if (agent.dead) return outcomes;
    this.#tellActions();
    this.#releaseClaim(view);
    return outcomes;
  }

  async #begin(): Promise<void> {
    await this.#agent?.jobs.cancelAll();
    const driver = fakeDriver(this.host);
    const view = new HostView(driver, () => {}, new AbortController().signal);
    const jobs = this.#agent !== undefined && !this.wholeAgent ? this.#agent.jobs : new Jobs(() => {});
    const agent: AgentOfHost = { driver, view, jobs, kinds: kindsOf(this.host, this.stores, jobs), dead: false };
    driver.closed.then(() => {
      agent.dead = true;
    });
    this.#agent = agent;
  }

  async #pass<R extends AnyObject, D, O, A extends AnyAction, S extends object>(
    agent: AgentOfHost,
    kind: Kind<R, D, O, A, S>,
    store: Store<R, string>,
    object: R,
  ): Promise<Outcome> {
    const outcome = await reconcile(kind, object, {
      driver: agent.driver,
      view: agent.view,
      clock: () => this.now,
      signal: AbortSignal.timeout(30_000),
      onAct: (_object, { kind: name }) => this.acts.push(name),
      publish: async (seen, status) => {
        if (agent.dead && this.wholeAgent) throw new Error('the agent is dead');
        if (isDeepStrictEqual(status, seen.status ?? {})) return seen;
        this.writes++;
        return this.put(store, { ...seen, status });
      },
    });
    const now = store.get(keyOf(object.metadata));
    if (outcome.kind === 'converged' && now?.metadata.deletionTimestamp !== undefined) {
      this.#version++;
      store.delete(keyOf(object.metadata));
    }
    return outcome;
  }

  /** Until what runs has ended: it runs by the real clock, which is not ours. */
  async #jobs({ jobs }: AgentOfHost): Promise<void> {
    while (jobs.get(volumeUid)?.kind === 'running') await new Promise((resolve) => setTimeout(resolve, 1));
  }

  #tellActions(): void {
    for (const action of this.stores.actions.list()) {
      const mark = this.#agent?.view.machines.find((one) => one.mark?.owner.cluster === 'here')?.mark;
      const status = reportAction(action, this.machine, mark === undefined ? undefined : decodeRecord(mark.record), this.now);
      if (!isDeepStrictEqual(JSON.parse(JSON.stringify(status)), action.status)) this.put(this.stores.actions, { ...action, status });
    }
  }

  #releaseClaim({ machines }: HostView): void {
    const { volume } = this;
    const used = machines.some(({ configured }) => configured?.disks.some(({ location }) => location === volume?.status?.location));
    if (volume?.status?.claim === undefined || this.machine !== undefined || used) return;
    const { claim: _, ...status } = volume.status;
    this.put(this.stores.volumes, { ...volume, status });
  }

  /** A guest prints when it boots, be it by a start or a reset; it has stopped when its power goes. */
  #watchGuests(): void {
    const { host, deeds } = this;
    const add = host.add.bind(host);
    host.add = (given, nativeName) => {
      const machine = add(given, nativeName);
      if (given !== uid) return machine;
      const stop = machine.stop.bind(machine);
      const reset = machine.reset.bind(machine);
      let ran = false;
      machine.serial.print = () => {
        ran = true;
        deeds.boots++;
      };
      machine.stop = (reason) => {
        if (ran) deeds.stops++;
        ran = false;
        stop(reason);
      };
      machine.reset = () => {
        deeds.resets++;
        deeds.boots--;
        reset();
      };
      return machine;
    };
  }
}

const ready = (life: Life) => assert(life.machine !== undefined && isReady(life.machine), JSON.stringify(life.machine?.status));
const power = (life: Life) => life.onHost?.power.state;

/** What others have on the host, and is to stay as it is. */
function strangers({ behind, host }: Life) {
  const theirs = 'cccccccc-2222-4333-8444-555555555555';
  const others = 'dddddddd-2222-4333-8444-555555555555';
  const owner = { cluster: 'there', namespace: 'shop', name: 'web', uid };
  behind.machine({ uuid: theirs, nativeName: 'shop.other' });
  behind.machine({ uuid: others, nativeName: 'there.shop.web', mark: { owner, record: '' } });
  behind.start(theirs);
  behind.pool('eeeeeeee-2222-4333-8444-555555555555', 'theirs', '/pools/theirs');
  behind.putFile('/pools/fast/shop.bad-disk', Buffer.from('theirs'));
  behind.putFile('/pools/theirs/disk', Buffer.from('theirs'));
  return () => {
    for (const uuid of [theirs, others]) assert.equal(host.byUuid(uuid)?.writes, 1);
    assert.equal(host.byUuid(theirs)?.power.state, 'On');
    assert.equal(host.byUuid(others)?.power.state, 'Off');
    assert(host.hasFile('/pools/fast/shop.bad-disk') && host.hasFile('/pools/theirs/disk'));
    assert.deepEqual(
      host.acts.filter((act) => /other|there|bad/.test(act)),
      [],
    );
  };
}

/** A volume that is said to be whole is: what the image had, as large as was asked. */
function wholeIfReady({ volume, host }: Life): void {
  if (volume?.status?.import?.completedAt === undefined) return;
  const file = host.directory('/pools/fast').get(volume.status.nativeName ?? '');
  assert(file !== undefined && file.sizeBytes === 2 ** 20, 'the whole size');
  if (volume.spec.source !== undefined) assert(Buffer.from(file.slice(0, image.length)).equals(image), 'the whole image');
}

interface Story {
  readonly name: string;
  readonly begin: () => Life;
  /** What is done, and how it is once all is at rest. */
  readonly chapters: readonly (readonly [happens: (life: Life) => void, see: (life: Life) => void])[];
  readonly always?: (life: Life) => void;
}

async function live(story: Story, crash?: Crash): Promise<Life> {
  const life = story.begin();
  const untouched = strangers(life);
  if (crash !== undefined) life.crash(crash);
  for (const [happens, see] of story.chapters) {
    happens(life);
    await life.converge();
    see(life);
    story.always?.(life);
    wholeIfReady(life);
    untouched();
  }
  return life;
}

const nothing = () => {};
const isOn = (life: Life, boots = life.deeds.boots) => assert.deepEqual([power(life), life.deeds.boots], ['On', boots]);
const isOff = (life: Life) => assert.equal(power(life), 'Off');
const isReadyAndOn = (life: Life, boots?: number) => {
  isOn(life, boots);
  ready(life);
};
const succeeded = (life: Life, ...names: readonly string[]) => {
  for (const name of names) assert.equal(life.outcome(name), 'Succeeded', JSON.stringify(life.stores.actions.get(`shop/${name}`)?.status));
};
/** Whatever was interrupted: each run of the guest was ended before the next began, and each end was followed by one. */
const oneBootPerStop = ({ deeds, onHost }: Life) => {
  const running = onHost === undefined || onHost.isOff ? 0 : 1;
  assert.equal(deeds.boots, deeds.stops + running);
};

const machineGoes: Story['chapters'][number] = [
  (life) => life.delete(life.stores.machines, 'shop/web'),
  (life) => assert.deepEqual([life.machine, life.onHost], [undefined, undefined]),
];
const volumeGoes = (left: readonly string[]): Story['chapters'][number] => [
  (life) => life.delete(life.stores.volumes, 'shop/root'),
  (life) =>
    assert.deepEqual([life.volume, [...life.host.directory('/pools/fast').keys()].sort()], [undefined, [...left, 'shop.bad-disk'].sort()]),
];
const poolGoes: Story['chapters'][number] = [
  (life) => life.delete(life.stores.instances, 'fast.one'),
  ({ host }) => assert.deepEqual([host.machines.size, host.pools.size], [2, 1]),
];

const stories: readonly Story[] = [
  {
    name: 'Always, from an image to nothing',
    begin: () => new Life(machineWith({}), volumeWith({ source: { url, format: 'Raw' } })),
    chapters: [
      [nothing, (life) => isReadyAndOn(life, 1)],
      [({ behind }) => behind.destroy(uid), (life) => isReadyAndOn(life, 2)],
      [(life) => life.ask('again', { verb: 'Restart' }), (life) => isReadyAndOn(life, 3)],
      [nothing, (life) => succeeded(life, 'again')],
      [(life) => life.spec({ runStrategy: 'Halted' }), isOff],
      [nothing, ready],
      machineGoes,
      volumeGoes([]),
      poolGoes,
    ],
    always: oneBootPerStop,
  },
  {
    name: 'Once, whose volume is retained',
    begin: () => new Life(machineWith({ runStrategy: 'Once' }), volumeWith({ reclaimPolicy: 'Retain' })),
    chapters: [
      [nothing, (life) => isReadyAndOn(life, 1)],
      [({ behind }) => behind.powerOff(uid), isOff],
      [({ host }) => host.forget(), ready],
      machineGoes,
      volumeGoes(['shop.root-bbbbbbbb']),
      poolGoes,
    ],
    always: ({ deeds }) => assert.equal(deeds.boots, 1),
  },
  {
    name: 'Manual, by actions',
    begin: () => new Life(machineWith({ runStrategy: 'Manual', stop: { mode: 'Hard', timeoutSeconds: 0 } })),
    chapters: [
      [(life) => life.ask('a', { verb: 'Start' }), (life) => isReadyAndOn(life, 1)],
      [(life) => life.ask('b', { verb: 'Reset' }), (life) => isReadyAndOn(life, 1)],
      [nothing, (life) => assert(life.deeds.resets <= 1 && life.outcome('b') !== undefined)],
      [(life) => life.ask('c', { verb: 'Restart' }), (life) => isReadyAndOn(life, 2)],
      [(life) => life.ask('d', { verb: 'Pause' }), (life) => assert.equal(power(life), 'Paused')],
      [(life) => life.ask('e', { verb: 'Resume' }), (life) => isReadyAndOn(life, 2)],
      [(life) => life.ask('f', { verb: 'Stop' }), isOff],
      [nothing, (life) => succeeded(life, 'a', 'c', 'd', 'e', 'f')],
      machineGoes,
    ],
    always: oneBootPerStop,
  },
  {
    name: 'RerunOnFailure, started again and restarted',
    begin: () => new Life(machineWith({ runStrategy: 'RerunOnFailure' })),
    chapters: [
      [nothing, (life) => isReadyAndOn(life, 1)],
      [({ behind }) => behind.kill(uid), (life) => isReadyAndOn(life, 2)],
      [({ behind }) => behind.powerOff(uid), isOff],
      [(life) => life.ask('a', { verb: 'Start' }), (life) => isReadyAndOn(life, 3)],
      [(life) => life.ask('b', { verb: 'Restart' }), (life) => isReadyAndOn(life, 4)],
      [nothing, (life) => succeeded(life, 'a', 'b')],
    ],
    always: oneBootPerStop,
  },
];

for (const story of stories) {
  t.test(`${story.name}: the host is lost after any of its calls, and everything goes on`, { timeout: 300_000 }, async (t) => {
    const { host } = await live(story);
    const calls = host.calls.length;
    t.ok(calls > 30, `${calls} calls`);
    for (let after = 0; after <= calls; after++)
      for (const losingReply of [false, true]) {
        const crash = { after, losingReply, wholeAgent: (after % 2 === 0) === losingReply };
        await live(story, crash).catch((reason) => t.fail(`${JSON.stringify(crash)}: ${reason.stack}`));
      }
  });
}

const strategies = ['Always', 'RerunOnFailure', 'Once', 'Manual', 'Halted'] as const;
const verbs = ['Start', 'Stop', 'Restart', 'Pause', 'Resume', 'Reset'] as const;
const modes = ['Soft', 'TrySoft', 'Hard'] as const;

interface Happening {
  readonly happens: (life: Life) => void;
  readonly [fc.toStringMethod]: () => string;
}
const called = (name: string, happens: (life: Life) => void): Happening => ({ happens, [fc.toStringMethod]: () => name });

/** What a hand does to a machine that is there. */
const byHand = (name: string, act: (life: Life, machine: FakeMachine) => void): Happening =>
  called(name, (life) => (life.onHost === undefined ? undefined : act(life, life.onHost)));
const whenOn = (name: string, act: (life: Life) => void) => byHand(name, (life, { isOff }) => (isOff ? undefined : act(life)));
const hands: readonly Happening[] = [
  whenOn('destroy', ({ behind }) => behind.destroy(uid)),
  whenOn('kill', ({ behind }) => behind.kill(uid)),
  whenOn('powerOff', ({ behind }) => behind.powerOff(uid)),
  whenOn('pause', ({ behind }) => behind.pause(uid)),
  whenOn('disk full', ({ behind }) => behind.pause(uid, 'IOError')),
  whenOn('crash, left paused', ({ behind }) => behind.pause(uid, 'Crashed')),
  byHand('start', ({ behind }, { isOff, configured, guest }) =>
    isOff && configured !== undefined && guest.refusesToStart === undefined ? behind.start(uid) : undefined,
  ),
  byHand('let go', ({ behind }, { power: { state, reason } }) =>
    state === 'Paused' && reason !== 'Crashed' ? behind.resume(uid) : undefined,
  ),
  byHand('edit', ({ behind }, { configured }) => (configured === undefined ? undefined : behind.edit(uid, { cpuCount: 3 }))),
  byHand('undefine', ({ behind }) => behind.undefine(uid)),
  called('forget', ({ host }) => host.forget()),
  called('refuse to start', ({ host }) =>
    host.guest(uid, { refusesToStart: new DriverError('Exhausted', 'no \u0085 memory\u0000'.repeat(100)) }),
  ),
  called('start again', ({ host }) => host.guest(uid, {})),
  called('deaf', ({ host }) => host.guest(uid, { deaf: true })),
  called('slow', ({ host }) => host.guest(uid, { powersOff: { afterMs: 30_000, shows: 'Stopping' } })),
];

let asked = 0;
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...hands) },
  {
    weight: 2,
    arbitrary: fc
      .record({ verb: fc.constantFrom(...verbs), mode: fc.constantFrom(...modes) })
      .map((spec) => called(JSON.stringify(spec), (life) => life.ask(`action-${++asked}`, spec))),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...strategies).map((runStrategy) => called(runStrategy, (life) => life.spec({ runStrategy }))),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({ after: fc.nat(25), losingReply: fc.boolean(), wholeAgent: fc.boolean() })
      .map((crash) => called(JSON.stringify(crash), (life) => life.crash(crash))),
  },
  { weight: 1, arbitrary: fc.nat(400_000).map((ms) => called(`${ms} ms`, ({ host }) => host.clock.advance(ms))) },
);

/** As declared: by the strategy, or by the last action that had a say in it. */
function isAsDeclared(life: Life): void {
  const { machine } = life;
  const record = decodeRecord(life.onHost?.mark?.record ?? '');
  const paused = power(life) === 'Paused' && record.paused === true;
  const rerun = ['Crashed', 'Failed', 'Unknown'].includes(record.lastStop?.cause ?? 'Unknown') || record.halted === true;
  ready(life);
  switch (machine?.spec.runStrategy) {
    case 'Always':
      assert(power(life) === 'On' || paused, `${power(life)}`);
      break;
    case 'Halted':
      assert.equal(power(life), 'Off');
      break;
    case 'RerunOnFailure':
      assert(power(life) === 'On' || paused || !rerun, `${power(life)}, ${JSON.stringify(record)}`);
      break;
    case 'Once':
      assert((record.boot?.number ?? 0) > 0);
      break;
    default:
  }
}

t.test('whatever happens in whatever order, all comes to rest as declared, and rests', { timeout: 300_000 }, async () => {
  const lives = fc.record({
    runStrategy: fc.constantFrom(...strategies),
    happenings: fc.array(fc.tuple(happening, fc.nat(2)), { maxLength: 12 }),
  });
  await fc.assert(
    fc.asyncProperty(lives, async ({ runStrategy, happenings }) => {
      const life = new Life(machineWith({ runStrategy }));
      const untouched = strangers(life);
      for (const [{ happens }, passes] of happenings) {
        happens(life);
        for (let pass = 0; pass < passes; pass++) await life.passes();
      }
      life.host.guest(uid, {});
      life.host.faults.dieAfter(Number.POSITIVE_INFINITY);
      // What no event tells of is seen by the next full read, as a new connection makes one.
      life.host.disconnect();
      await life.converge();
      // A slow guest that was asked to go off is off by then, whatever is declared meanwhile.
      life.host.clock.advance(60_000);
      await life.converge();
      isAsDeclared(life);
      for (const { status } of life.stores.actions.list()) assert(status?.outcome !== undefined, 'an action without an end');
      untouched();
      // What another hand changed and was put back is remembered for an hour.
      life.host.clock.advance(calmMs);
      await life.converge();
      const before = [life.writes, life.host.acts.length];
      for (let hour = 0; hour < 3; hour++) {
        life.host.clock.advance(3_600_000);
        await life.converge();
      }
      assert.deepEqual([life.writes, life.host.acts.length], before, 'what is at rest is left alone');
    }),
    { numRuns: Number(process.env['LIVES'] ?? 60), interruptAfterTimeLimit: 240_000 },
  );
});
