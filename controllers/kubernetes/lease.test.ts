import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { type Client, createClient } from '#controllers/kubernetes/client.js';
import { type Connection, loadKubeConfig } from '#controllers/kubernetes/connection.js';
import { createEventRecorder, events } from '#controllers/kubernetes/events.js';
import { fenced } from '#controllers/kubernetes/fenced.js';
import { heartbeat } from '#controllers/kubernetes/heartbeat.js';
import { LeadLost, lead } from '#controllers/kubernetes/lead.js';
import { createLeaseObserver, decodeLease, type Lease, leaseExpired, leases } from '#controllers/kubernetes/lease.js';
import { LeaseHolder } from '#controllers/kubernetes/lease-holder.js';
import type { KubernetesObject, Resource } from '#controllers/kubernetes/resource.js';
import { useCluster } from '#test/cluster/api-server.js';
import { type Forwarder, startForwarder } from '#test/cluster/forwarder.js';
import { ManualClock } from '#test/cluster/manual-clock.js';
import { until } from '#test/cluster/until.js';

const cluster = await useCluster(t);
const connection = await loadKubeConfig(cluster.kubeconfigPath);
const client = createClient(connection);
t.teardown(() => client[Symbol.asyncDispose]());
const never = new AbortController().signal;
const configMaps: Resource = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true };

const read = async (name: string): Promise<Lease> => decodeLease(await client.get(leases, { namespace: 'default', name }, never));

class Candidates {
  readonly leading = new Set<string>();
  readonly log: string[] = [];
  readonly lost: unknown[] = [];
  together = false;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[] = [];

  /** Over a network of its own. */
  start(identity: string, forwarder: Forwarder): void {
    const detour: Connection = { ...connection, server: new URL(`https://127.0.0.1:${forwarder.port}`) };
    const options = { client: createClient(detour), namespace: 'default', name: 'leader', identity };
    const times = { durationMs: 3_000, renewDeadlineMs: 1_500, retryMs: 200 };
    this.#running.push(lead({ ...options, ...times }, (signal) => this.#work(identity, signal), this.#stop.signal));
  }

  async #work(identity: string, signal: AbortSignal): Promise<void> {
    this.leading.add(identity);
    this.log.push(identity);
    this.together ||= this.leading.size > 1;
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    this.leading.delete(identity);
    this.lost.push(signal.reason);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }
}

t.test('who stood still asks for nothing before any timer has told that the lead is lost', async (t) => {
  const stop = new AbortController();
  const times = { durationMs: 1_500, renewDeadlineMs: 1_000, retryMs: 200 };
  const work = async (leading: AbortSignal, leads: () => boolean) => {
    const own = fenced(client, leads);
    const lease = { namespace: 'default', name: 'still' };
    await own.get(leases, lease, never);
    const wokenAt = performance.now() + 1_100;
    while (performance.now() < wokenAt);
    t.equal(leading.aborted, false, 'no timer has run yet');
    t.throws(() => own.get(leases, lease, never), LeadLost);
    t.type(leading.reason, LeadLost);
    stop.abort();
  };
  await lead({ client, namespace: 'default', name: 'still', identity: 'one', ...times }, work, stop.signal);
});

t.test('of two candidates one leads, whatever breaks, and never both', async (t) => {
  await using a = await startForwarder(Number(connection.server.port));
  await using b = await startForwarder(Number(connection.server.port));
  const networks = new Map([
    ['a', a],
    ['b', b],
  ]);
  const candidates = new Candidates();
  for (const [identity, forwarder] of networks) candidates.start(identity, forwarder);
  for (let round = 1; round <= 3; round++) {
    await until(() => candidates.leading.size === 1);
    const [leader = ''] = candidates.leading;
    networks.get(leader)?.block(true);
    await until(() => candidates.together || (candidates.leading.size === 1 && !candidates.leading.has(leader)));
    if (candidates.together) break;
    networks.get(leader)?.block(false);
    t.ok(candidates.lost.at(-1) instanceof LeadLost);
  }
  t.notOk(candidates.together);
  const changes = candidates.log.length;
  await cluster.restart();
  await until(() => candidates.together || candidates.leading.size === 1);
  t.notOk(candidates.together);
  t.ok((await read('leader')).transitions >= 3);
  t.ok(candidates.log.length <= changes + 2);
  await candidates.stop();
  t.equal((await read('leader')).holder, '', 'released in the end');
});

t.test('a lease is released even where the renewal under way was given up', async (t) => {
  await using forwarder = await startForwarder(Number(connection.server.port));
  const detour: Connection = { ...connection, server: new URL(`https://127.0.0.1:${forwarder.port}`) };
  const options = { client: createClient(detour), namespace: 'default', name: 'given-up', identity: 'one', retryMs: 20 };
  await lead(
    options,
    async () => {
      forwarder.block(true);
      await delay(100);
      setTimeout(() => forwarder.block(false), 100);
    },
    never,
  );
  t.equal((await read('given-up')).holder, '');
});

t.test('a lease is released though a renewal arrives after it was looked at', async (t) => {
  const options = { client, namespace: 'default', name: 'overtaken', identity: 'one' };
  await new LeaseHolder(options, 15_000).tryHold(never);
  let looks = 0;
  const get: Client['get'] = async (resource, ref, signal) => {
    const seen = await client.get(resource, ref, signal);
    const renewal = { spec: { renewTime: '2030-01-01T00:00:00.000000Z' } };
    if (looks++ === 0) await client.mergePatch(resource, ref, renewal, {}, signal);
    return seen;
  };
  const mergePatch: Client['mergePatch'] = (...given) => client.mergePatch(...given);
  await new LeaseHolder({ ...options, client: { get, mergePatch } as Client }, 15_000).release(never);
  t.equal((await read('overtaken')).holder, '');
});

t.test('work that ends by itself ends it; work that fails, too; the lease is free at once', async (t) => {
  const options = { client, namespace: 'default', name: 'short', identity: 'one' };
  await lead(options, async () => {}, never);
  t.equal((await read('short')).holder, '');
  const failing = lead({ ...options, identity: 'two' }, () => Promise.reject(new Error('broken work')), never);
  await t.rejects(failing, { message: 'broken work' });
  t.equal((await read('short')).holder, '');
  await t.rejects(
    lead({ ...options, durationMs: 10, renewDeadlineMs: 20 }, async () => {}, never),
    { name: 'RangeError' },
  );
});

t.test('a heartbeat renews, and never takes over from somebody alive', async (t) => {
  const stop = new AbortController();
  const options = { client, namespace: 'default', name: 'agent', periodMs: 100, labels: { host: 'h1' } };
  const errors: unknown[] = [];
  const mine = heartbeat({ ...options, identity: 'agent-1' }, stop.signal);
  await until(() =>
    read('agent')
      .then(() => true)
      .catch(() => false),
  );
  const first = await read('agent');
  const theirs = heartbeat({ ...options, identity: 'agent-2', onError: (error) => errors.push(error) }, stop.signal);
  await until(async () => (await read('agent')).renewedAt > first.renewedAt && errors.length > 2);
  t.match(await read('agent'), { holder: 'agent-1', durationMs: 40_000, transitions: 0, metadata: { labels: { host: 'h1' } } });
  t.match(errors[0], { message: 'lease default/agent is kept alive by agent-1, not by agent-2' });
  stop.abort();
  await Promise.all([mine, theirs]);
  t.match(await read('agent'), { holder: '', durationMs: 40_000 }, 'who comes next need not wait');
});

t.test('a heartbeat survives an API server that is away', async (t) => {
  const stop = new AbortController();
  const errors: unknown[] = [];
  const options = { client, namespace: 'default', name: 'survivor', identity: 'agent', periodMs: 100 };
  const beating = heartbeat({ ...options, onError: (error) => errors.push(error) }, stop.signal);
  await until(() =>
    read('survivor')
      .then(() => true)
      .catch(() => false),
  );
  await cluster.kill9();
  await until(() => errors.length > 1);
  await cluster.restart();
  const before = await read('survivor');
  await until(async () => (await read('survivor')).renewedAt > before.renewedAt);
  t.equal((await read('survivor')).transitions, 0);
  stop.abort();
  await beating;
});

t.test('who cannot renew is told before another has the lease, and once more when it is theirs again', async (t) => {
  await using network = await startForwarder(Number(connection.server.port));
  await using cutOff = createClient({ ...connection, server: new URL(`https://127.0.0.1:${network.port}`) });
  const stop = new AbortController();
  const common = { namespace: 'default', name: 'lapsing', durationMs: 4_000, periodMs: 300 };
  const log: string[] = [];
  const told = (who: string) => log.at(-1) === who || log.push(who);
  const follow = (identity: string, of: typeof client) =>
    heartbeat(
      {
        ...common,
        client: of,
        identity,
        onHolder: (holder) => holder === identity && told(identity),
        onLapse: () => told(`${identity} lapsed`),
      },
      stop.signal,
    );
  const first = follow('first', cutOff);
  await until(() => log.includes('first'));
  const second = follow('second', client);
  network.block(true);
  await until(() => log.includes('second'));
  network.block(false);
  t.same(log, ['first', 'first lapsed', 'second']);
  stop.abort();
  await Promise.all([first, second]);

  const again = new AbortController();
  const alone = heartbeat(
    { ...common, name: 'alone', client: cutOff, identity: 'alone', onHolder: () => told('alone'), onLapse: () => told('lapsed') },
    again.signal,
  );
  await until(() => log.includes('alone'));
  network.block(true);
  await until(() => log.includes('lapsed'));
  network.block(false);
  await until(() => log.at(-1) === 'alone');
  again.abort();
  await alone;
});

t.test('a lease expires by the clock it is asked about', async (t) => {
  const clock = new ManualClock();
  const observer = createLeaseObserver(clock);
  const metadata = { name: 'x', namespace: 'n', uid: 'u', resourceVersion: '1', creationTimestamp: '' };
  const lease: Lease = { metadata, holder: 'a', renewedAt: 0, durationMs: 40_000, transitions: 0 };
  t.notOk(leaseExpired(lease, 40_000));
  t.ok(leaseExpired(lease, 40_001));
  t.ok(leaseExpired({ ...lease, holder: '' }, 0));
  t.ok(observer.expired('n/x'), 'never seen');
  observer.observe(lease);
  t.notOk(observer.expired('n/x'), 'its holder may live in the past');
  await clock.advance(30_000);
  observer.observe({ ...lease });
  await clock.advance(10_001);
  t.ok(observer.expired('n/x'), 'seeing it again is no renewal');
  observer.observe({ ...lease, renewedAt: 5 });
  t.notOk(observer.expired('n/x'));
  observer.observe({ ...lease, renewedAt: 6, holder: '' });
  t.ok(observer.expired('n/x'), 'anybody may take it');
  t.notOk(observer.silent('n/x'), 'and who let go of it lived a moment ago');
  await clock.advance(40_001);
  t.ok(observer.silent('n/x'));
  observer.forget('n/x');
  t.ok(observer.expired('n/x'));
});

t.test('a lease that makes no sense is named', async (t) => {
  const raw = (spec: object): KubernetesObject => ({
    apiVersion: '',
    kind: '',
    metadata: { name: '', uid: '', resourceVersion: '', creationTimestamp: '' },
    spec,
  });
  t.throws(() => decodeLease(raw({ renewTime: 'yesterday' })), /spec.renewTime/);
  t.throws(() => decodeLease(raw({ holderIdentity: 7 })), /spec.holderIdentity/);
  t.throws(() => decodeLease(raw({ leaseDurationSeconds: '7' })), /spec.leaseDurationSeconds/);
  t.match(decodeLease(raw({})), { holder: '', renewedAt: 0, durationMs: 0 });
});

t.test('kubectl describe shows events, the same one once, with its count', async (t) => {
  const about = await client.create(configMaps, { metadata: { name: 'talked-about', namespace: 'default' } }, never);
  const dropped: unknown[] = [];
  const clock = new ManualClock();
  const recorder = createEventRecorder({
    client,
    controller: 'virtwright.io/test',
    instance: 'here',
    clock,
    onDropped: (why) => dropped.push(why),
  });
  const started = { type: 'Normal', reason: 'Started', note: 'it runs' } as const;
  recorder.record(about, started);
  for (let times = 0; times < 6; times++) recorder.record(about, started);
  recorder.record(about, { type: 'Warning', reason: 'Long', note: 'ü'.repeat(2_000) });
  await recorder.flush();
  for (let times = 0; times < 3; times++) recorder.record(about, started);
  await recorder.flush();
  const { stdout } = await cluster.kubectl('describe', 'configmap', 'talked-about');
  t.match(stdout, /Normal\s+Started\s+.*\(x10 over .*\)\s+virtwright\.io\/test\s+it runs/);
  t.match(stdout, /Warning\s+Long\s+.*ü…/);
  t.same(dropped, []);

  const ours = async (): Promise<number> =>
    (await client.list(events, { namespace: 'default', fieldSelector: 'regarding.name=talked-about' }, never)).items.length;
  for (const { metadata } of (await client.list(events, { namespace: 'default' }, never)).items)
    await client.delete(events, metadata as { name: string; namespace: string }, {}, never);
  recorder.record(about, started);
  await recorder.flush();
  t.equal(await ours(), 1, 'an event that is gone is made again');
  for (let flood = 0; flood < 100; flood++) recorder.record(about, { ...started, note: `free: ${flood}` });
  await recorder.flush();
  t.equal(await ours(), 24, 'a burst of 25 with the first two');
  t.equal(dropped.filter((why) => why === 'limited').length, 77);
  await recorder[Symbol.asyncDispose]();
});

t.test('events about what belongs to the cluster work, and none fails its caller', async (t) => {
  const namespaces: Resource = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false };
  const about = await client.get(namespaces, { name: 'kube-system' }, never);
  const dropped: string[] = [];
  const options = { controller: 'virtwright.io/test', instance: 'here', onDropped: (why: string) => dropped.push(why) };
  const recorder = createEventRecorder({ client, ...options });
  recorder.record(about, { type: 'Normal', reason: 'Seen', note: 'it is there' });
  await recorder[Symbol.asyncDispose]();
  t.match((await cluster.kubectl('events', '-n', 'default')).stdout, /Seen\s+Namespace\/kube-system/);
  const mallory = createClient(await loadKubeConfig(await cluster.kubeconfigFor('mallory')));
  const muted = createEventRecorder({ client: mallory, ...options });
  muted.record(about, { type: 'Normal', reason: 'Seen', note: 'nobody hears it' });
  await muted.flush();
  t.same(dropped, ['failed']);
  await muted[Symbol.asyncDispose]();
  await mallory[Symbol.asyncDispose]();
});
