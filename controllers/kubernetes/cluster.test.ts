import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { type Client, type ClientOptions, createClient, type Manifest, type WatchEvent } from '#controllers/kubernetes/client.js';
import { type Connection, loadKubeConfig } from '#controllers/kubernetes/connection.js';
import { ApiError, type ApiErrorReason } from '#controllers/kubernetes/error.js';
import { startReflector } from '#controllers/kubernetes/reflector.js';
import type { KubernetesObject, Resource } from '#controllers/kubernetes/resource.js';
import { type Change, createStore } from '#controllers/kubernetes/store.js';
import { useCluster } from '#test/cluster/api-server.js';
import { startForwarder } from '#test/cluster/forwarder.js';
import { until } from '#test/cluster/until.js';
import { installWidgets, seedWidgets, widgets } from '#test/cluster/widgets.js';

const cluster = await useCluster(t);
await installWidgets(cluster);
const connection = await loadKubeConfig(cluster.kubeconfigPath);
const never = new AbortController().signal;
// A server that has just started says 429 for a while.
const client = createClient(connection, { tries: 20 });
t.teardown(() => client[Symbol.asyncDispose]());

const configMaps: Resource = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true };
const namespaces: Resource = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false };
const secrets: Resource = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true };

let serial = 0;
/** A namespace of its own for every test. */
async function newNamespace(): Promise<string> {
  const name = `test-${++serial}`;
  await client.create(namespaces, { metadata: { name } }, never);
  return name;
}

const widget = (namespace: string, name: string, spec: object = {}): Manifest => ({ metadata: { namespace, name }, spec });
const rejectsWith = (t: Tap, work: Promise<unknown>, reason: ApiErrorReason, text = '') =>
  t.rejects(work, { name: 'ApiError', reason, message: new RegExp(text) });
type Tap = Pick<typeof t, 'rejects'>;

interface Follower {
  readonly changes: Change<KubernetesObject>[];
  readonly restarts: string[];
  readonly store: ReturnType<typeof createStore<KubernetesObject>>;
  readonly synced: Promise<void>;
  end(): Promise<void>;
}

function follow(from: Client, resource: Resource, selection: object, decode = (raw: KubernetesObject) => raw): Follower {
  const stop = new AbortController();
  const store = createStore<KubernetesObject>();
  const changes: Change<KubernetesObject>[] = [];
  const restarts: string[] = [];
  store.subscribe((change) => changes.push(change));
  const onRestart = ({ cause }: { cause: string }) => restarts.push(cause);
  const backoff = { firstMs: 50, maxMs: 500 };
  const reflector = startReflector({ client: from, resource, selection, store, decode, onRestart, backoff }, stop.signal);
  const end = async (): Promise<void> => {
    stop.abort();
    await reflector.ended;
  };
  return { changes, restarts, store, synced: reflector.synced, end };
}

async function all(resource: Resource, namespace: string): Promise<readonly KubernetesObject[]> {
  const items: KubernetesObject[] = [];
  for await (const page of client.pages(resource, { namespace }, never)) items.push(...page.items);
  return items;
}

const versions = (objects: readonly KubernetesObject[]): string[] =>
  objects.map(({ metadata: { uid, resourceVersion } }) => `${uid} ${resourceVersion}`).sort();

t.test('objects are created, read, patched and deleted', async (t) => {
  const namespace = await newNamespace();
  const made = await client.create(widgets, widget(namespace, 'a', { owner: 'ann' }), never);
  t.match(await client.version(never), /^v1\.\d+\./);
  t.notOk('managedFields' in made.metadata);
  await rejectsWith(t, client.create(widgets, widget(namespace, 'a'), never), 'AlreadyExists');
  const ref = { namespace, name: 'a' };
  const patch = { metadata: { annotations: { bound: 'host-1' }, finalizers: ['virtwright.io/hold'] } };
  const patched = await client.mergePatch(widgets, ref, patch, { resourceVersion: made.metadata.resourceVersion }, never);
  t.match(patched.metadata, { annotations: { bound: 'host-1' }, generation: 1 });
  await rejectsWith(t, client.mergePatch(widgets, ref, patch, { resourceVersion: made.metadata.resourceVersion }, never), 'Conflict');
  await rejectsWith(t, client.delete(widgets, ref, { uid: 'another' }, never), 'Conflict');
  await client.delete(widgets, ref, { uid: made.metadata.uid }, never);
  t.type((await client.get(widgets, ref, never)).metadata.deletionTimestamp, 'string');
  await client.mergePatch(widgets, ref, { metadata: { finalizers: null } }, {}, never);
  await rejectsWith(t, client.get(widgets, ref, never), 'NotFound', 'get widgets.test.virtwright.io test-1/a');
  await rejectsWith(t, client.delete(widgets, ref, {}, never), 'NotFound');
  await rejectsWith(t, client.create(widgets, widget(namespace, 'b', { size: -1 }), never), 'Invalid', 'spec.size');
});

t.test('a reference that would reach further than one object is refused before it is sent', async (t) => {
  for (const ref of [{ namespace: 'default', name: '' }, { namespace: '', name: 'a' }, { name: 'a' }, { namespace: '..', name: 'a' }])
    await rejectsWith(t, client.delete(widgets, ref, {}, never), 'BadRequest');
  await rejectsWith(t, client.get(configMaps, { namespace: 'default', name: 'a/../../b' }, never), 'NotFound');
});

t.test('a kubeconfig is read without quoting it, and only RBAC gives anything', async (t) => {
  const mallory = createClient(await loadKubeConfig(await cluster.kubeconfigFor('mallory')));
  await rejectsWith(t, mallory.list(widgets, {}, never), 'Forbidden', 'mallory');
  await rejectsWith(t, mallory.watch(widgets, { resourceVersion: '0' }, never)[Symbol.asyncIterator]().next(), 'Forbidden');
  await mallory[Symbol.asyncDispose]();
  await t.rejects(loadKubeConfig('/nonexistent/config'), { message: /\/nonexistent\/config.*ENOENT/ });
  t.equal(connection.namespace, 'default');
});

t.test('what the server says about a Secret stays with the server', async (t) => {
  const bad = client.create(secrets, { metadata: { name: 'x', namespace: 'default' }, data: { password: 'hunter2 is not base64' } }, never);
  const error = await bad.catch((reason: unknown) => reason);
  t.ok(ApiError.is(error));
  t.notMatch(String(error), 'hunter2');
});

t.test('a status is applied, unchanged costs nothing, stale and foreign are conflicts', async (t) => {
  const namespace = await newNamespace();
  const made = await client.create(widgets, widget(namespace, 'a'), never);
  const status = (host: string, resourceVersion?: string): Manifest => ({
    metadata: { namespace, name: 'a', ...(resourceVersion !== undefined && { resourceVersion }) },
    status: { host },
  });
  const first = await client.applyStatus(widgets, status('h1', made.metadata.resourceVersion), {}, never);
  t.same(first.status, { host: 'h1' });
  await rejectsWith(t, client.applyStatus(widgets, status('h2', made.metadata.resourceVersion), { force: true }, never), 'Conflict');
  const again = await client.applyStatus(widgets, status('h1'), {}, never);
  t.equal(again.metadata.resourceVersion, first.metadata.resourceVersion);
  const other = createClient(connection, { fieldManager: 'somebody-else' });
  await rejectsWith(t, other.applyStatus(widgets, status('h3'), {}, never), 'Conflict', 'virtwright');
  t.same((await other.applyStatus(widgets, status('h3'), { force: true }, never)).status, { host: 'h3' });
  await other[Symbol.asyncDispose]();
  const missing: Manifest = { metadata: { namespace, name: 'missing' }, status: {} };
  await rejectsWith(t, client.applyStatus(widgets, missing, {}, never), 'NotFound');
});

t.test('apply creates, then owns exactly the fields it names', async (t) => {
  const namespace = await newNamespace();
  await client.apply(widgets, widget(namespace, 'a', { owner: 'ann', size: 1 }), {}, never);
  const second = await client.apply(widgets, widget(namespace, 'a', { size: 2 }), {}, never);
  t.same(second.spec, { size: 2 });
});

t.test('what leaves the selection leaves the store, and is not gone', async (t) => {
  const namespace = await newNamespace();
  const put = (name: string, host: string) =>
    client.applyStatus(widgets, { metadata: { namespace, name }, status: { host } }, { force: true }, never);
  for (const name of ['a', 'b']) await client.create(widgets, widget(namespace, name, { owner: 'ann' }), never);
  await put('a', 'h1');
  const mine = follow(client, widgets, { namespace, fieldSelector: 'status.host=h1' });
  await mine.synced;
  t.same(mine.store.keys(), [`${namespace}/a`]);
  await put('b', 'h1');
  await put('a', 'h2');
  await until(() => mine.store.get(`${namespace}/b`) !== undefined && mine.store.size === 1);
  t.same(
    mine.changes.map(({ kind, key }) => `${kind} ${key.split('/')[1]}`),
    ['added a', 'added b', 'deleted a'],
  );
  t.notOk((await client.get(widgets, { namespace, name: 'a' }, never)).metadata.deletionTimestamp);
  await mine.end();
});

t.test('what cannot be decoded is kept out, told once a version, and stops nothing', async (t) => {
  const namespace = await newNamespace();
  const stop = new AbortController();
  const store = createStore<KubernetesObject>();
  const told: string[] = [];
  const decode = (raw: KubernetesObject): KubernetesObject => {
    if ((raw.spec as { owner?: string }).owner === 'mallory') throw new TypeError('spec.owner is mallory');
    return raw;
  };
  for (const name of ['a', 'b']) await client.create(widgets, widget(namespace, name, { owner: name === 'a' ? 'mallory' : 'ann' }), never);
  const onUndecodable = (raw: KubernetesObject): void => {
    told.push(raw.metadata.name);
    throw new Error('a handler that throws');
  };
  const reflector = startReflector({ client, resource: widgets, selection: { namespace }, store, decode, onUndecodable }, stop.signal);
  await reflector.synced;
  t.same(store.keys(), [`${namespace}/b`]);
  await client.mergePatch(widgets, { namespace, name: 'b' }, { spec: { owner: 'mallory' } }, {}, never);
  await until(() => store.size === 0);
  await client.mergePatch(widgets, { namespace, name: 'a' }, { spec: { owner: 'ann' } }, {}, never);
  await until(() => store.size === 1);
  t.same(store.keys(), [`${namespace}/a`]);
  t.same(told, ['a', 'b']);
  stop.abort();
  await reflector.ended;
});

t.test('a call ends with its signal, with the reason of the signal', async (t) => {
  const reason = new Error('enough');
  await t.rejects(client.get(configMaps, { namespace: 'default', name: 'x' }, AbortSignal.abort(reason)), reason);
  const stop = new AbortController();
  const events = client.watch(namespaces, { resourceVersion: (await client.list(namespaces, {}, never)).resourceVersion }, stop.signal);
  const waiting = events[Symbol.asyncIterator]().next();
  await delay(50);
  stop.abort(reason);
  await t.rejects(waiting, reason);
});

t.test('ten thousand objects come in pages of one list; forgotten half-way they are Expired', async (t) => {
  const namespace = await newNamespace();
  await seedWidgets(cluster, namespace, 10_000);
  const requests: string[] = [];
  const options: ClientOptions = { onRequest: ({ verb }) => requests.push(verb) };
  const counting = createClient(connection, options);
  const start = performance.now();
  const everything = follow(counting, widgets, { namespace });
  await everything.synced;
  t.comment(`listed in ${Math.round(performance.now() - start)} ms, ${Math.round(process.memoryUsage().rss / 1e6)} MB`);
  t.equal(everything.store.size, 10_000);
  t.equal(requests.filter((verb) => verb === 'list').length, 20);
  await everything.end();
  const halfWay = client.pages(widgets, { namespace, limit: 100 }, never)[Symbol.asyncIterator]();
  await halfWay.next();
  const { resourceVersion } = await client.create(widgets, widget(namespace, 'later'), never).then(({ metadata }) => metadata);
  await cluster.compact(resourceVersion);
  // A server that kept running could still tell from its own memory.
  await cluster.restart();
  await rejectsWith(t, halfWay.next(), 'Expired');
  await counting[Symbol.asyncDispose]();
});

t.test('a watch from what is forgotten says so', async (t) => {
  const events: WatchEvent[] = [];
  for await (const event of client.watch(widgets, { resourceVersion: '1' }, never)) events.push(event);
  t.same(events, [{ kind: 'expired' }]);
});

t.test('through kills, restarts and broken networks nothing is lost and nothing is told twice', async (t) => {
  const namespace = await newNamespace();
  await using forwarder = await startForwarder(Number(connection.server.port));
  const detour: Connection = { ...connection, server: new URL(`https://127.0.0.1:${forwarder.port}`) };
  const remote = createClient(detour, { timeoutMs: 1_000, watchIdleMs: 1_000, tries: 1 });
  const follower = follow(remote, configMaps, { namespace });
  await follower.synced;
  const stop = new AbortController();
  const writing = writeUntil(stop.signal, namespace);
  for (const disaster of disasters(forwarder)) {
    await delay(300);
    await disaster();
  }
  await delay(300);
  stop.abort();
  const writes = await writing;
  const truth = versions(await all(configMaps, namespace));
  await until(() => versions(follower.store.list()).join() === truth.join());
  t.same(versions(follower.store.list()), truth);
  const told = follower.changes.map(
    (change) => `${change.kind} ${(change.kind === 'deleted' ? change.previous : change.object).metadata.resourceVersion}`,
  );
  t.equal(new Set(told).size, told.length, 'no version was told twice');
  t.ok(follower.changes.length <= writes, `${follower.changes.length} changes told of ${writes} writes`);
  t.ok(follower.restarts.includes('failed'));
  await follower.end();
  await remote[Symbol.asyncDispose]();
});

function disasters(forwarder: { cut(): void; block(blocked: boolean): void }): (() => Promise<void>)[] {
  return [
    async () => {
      await cluster.kill9();
      await delay(500);
      await cluster.restart();
    },
    async () => forwarder.cut(),
    async () => {
      forwarder.block(true);
      await delay(2_500);
      forwarder.block(false);
    },
    () => cluster.restart(),
    async () => {
      cluster.freeze(true);
      await delay(2_000);
      cluster.freeze(false);
    },
  ];
}

/** Creates, changes and deletes; counts what it has tried. */
async function writeUntil(signal: AbortSignal, namespace: string): Promise<number> {
  let writes = 0;
  for (; !signal.aborted; writes++) {
    const ref = { namespace, name: `c-${writes % 7}` };
    const data = { count: `${writes}` };
    const write =
      writes % 11 === 10 ? client.delete(configMaps, ref, {}, never) : client.apply(configMaps, { metadata: ref, data }, {}, never);
    await write.catch((error: unknown) => {
      if (!ApiError.is(error, 'NotFound', 'Unavailable', 'Internal', 'Forbidden', 'TooManyRequests')) throw error;
    });
    await delay(5);
  }
  return writes * 2;
}

t.test('a wiped server is noticed, even where its new history is longer than the old one', async (t) => {
  const put = (namespace: string, name: string) => client.create(configMaps, { metadata: { namespace, name } }, never);
  const follower = follow(client, configMaps, { namespace: 'default' });
  await put('default', 'first');
  await until(() => follower.store.get('default/first') !== undefined);
  await cluster.wipe();
  await put('default', 'second');
  await until(() => follower.store.get('default/second') !== undefined);
  t.notOk(follower.store.get('default/first'));
  await follower.end();

  await using forwarder = await startForwarder(Number(connection.server.port));
  const remote = createClient({ ...connection, server: new URL(`https://127.0.0.1:${forwarder.port}`) }, { timeoutMs: 1_000, tries: 1 });
  const late = follow(remote, configMaps, { namespace: 'default' });
  await late.synced;
  const before = BigInt((await client.list(configMaps, {}, never)).resourceVersion);
  forwarder.block(true);
  forwarder.cut();
  await cluster.wipe();
  await put('default', 'third');
  for (let filler = 0; filler < 50; filler++) await put('kube-system', `filler-${filler}`);
  t.ok(BigInt((await client.list(configMaps, {}, never)).resourceVersion) > before, 'the new history is the longer one');
  forwarder.block(false);
  await until(() => late.store.get('default/third') !== undefined);
  t.notOk(late.store.get('default/second'));
  t.ok(late.restarts.includes('rewound'));
  await late.end();
  await remote[Symbol.asyncDispose]();
});

t.test('a kind that is gone for a while keeps its last known objects, and is followed again', async (t) => {
  await installWidgets(cluster);
  await client.create(widgets, widget('default', 'before'), never);
  const follower = follow(client, widgets, {});
  await follower.synced;
  await cluster.wipe();
  await until(() => follower.restarts.filter((cause) => cause === 'failed').length > 2);
  t.same(follower.store.keys(), ['default/before']);
  await installWidgets(cluster);
  await client.create(widgets, widget('default', 'after'), never);
  await until(() => follower.store.size === 1 && follower.store.get('default/after') !== undefined);
  t.same(follower.store.keys(), ['default/after']);
  await follower.end();
});
