import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { Registry } from 'prom-client';
import t from 'tap';
import { type Client, type ClientOptions, createClient, type WatchEvent } from '#controllers/kubernetes/client.js';
import { systemClock } from '#controllers/kubernetes/clock.js';
import { type Connection, loadKubeConfig } from '#controllers/kubernetes/connection.js';
import { ApiError } from '#controllers/kubernetes/error.js';
import { splitLines } from '#controllers/kubernetes/lines.js';
import { createMetrics } from '#controllers/kubernetes/metrics.js';
import { type Restart, startReflector } from '#controllers/kubernetes/reflector.js';
import type { KubernetesObject, Resource } from '#controllers/kubernetes/resource.js';
import { serve } from '#controllers/kubernetes/serve.js';
import { createStore } from '#controllers/kubernetes/store.js';
import { type BrokenServer, type Handler, json, startBrokenServer } from '#test/cluster/broken-server.js';

const configMaps: Resource = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true };
const ref = { namespace: 'default', name: 'x' };
const never = new AbortController().signal;

const object = (name: string, resourceVersion: string) => ({
  metadata: {
    name,
    namespace: 'default',
    uid: `uid-${name}`,
    resourceVersion,
    creationTimestamp: '2026-01-01T00:00:00Z',
    managedFields: [{}],
  },
});
const listOf = (resourceVersion: string, ...items: object[]) => ({ kind: 'List', metadata: { resourceVersion }, items });
const status = (code: number, reason: string, more: object = {}) => ({
  kind: 'Status',
  code,
  reason,
  message: `because ${reason}`,
  ...more,
});

/** Every wait is over at once, and is written down. */
function hastyClock(waits: number[]) {
  return {
    ...systemClock,
    after(ms: number, callback: () => void) {
      if (ms >= 5_000) return systemClock.after(ms, callback);
      waits.push(ms);
      return systemClock.after(0, callback);
    },
  };
}

interface Rig extends AsyncDisposable {
  readonly server: BrokenServer;
  readonly client: Client;
}

async function start(options: ClientOptions = {}, handler?: Handler): Promise<Rig> {
  const server = await startBrokenServer();
  if (handler) server.answer(handler);
  const client = createClient(server.connection, options);
  return {
    server,
    client,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** One answer after the other, the last one for ever. */
function inTurn(...handlers: Handler[]): Handler {
  let turn = 0;
  return (request, response) => handlers[Math.min(turn++, handlers.length - 1)]?.(request, response);
}

const says =
  (code: number, body: unknown, headers: Record<string, string> = {}): Handler =>
  (_, response) =>
    json(response, code, body, headers);
const hangsUp: Handler = (request) => void request.socket.destroy();
const failure = (work: Promise<unknown>): Promise<ApiError> =>
  work.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => (error instanceof ApiError ? error : Promise.reject(error)),
  );

t.test('429 is waited out for every verb, as long as the server asks', async (t) => {
  const waits: number[] = [];
  await using rig = await start({ clock: hastyClock(waits) });
  const { client, server } = rig;
  const busy = says(429, status(429, 'TooManyRequests'), { 'Retry-After': '2' });
  server.answer(inTurn(busy, busy, says(201, object('x', '1'))));
  const made = await client.create(configMaps, { metadata: ref }, never);
  t.notOk('managedFields' in made.metadata);
  t.same(waits, [2_000, 2_000]);
  server.answer(busy);
  const error = await failure(client.get(configMaps, ref, never));
  t.match(error, { reason: 'TooManyRequests', status: 429, retryAfterMs: 2_000 });
  t.equal(server.requests.length, 3 + 4);
  server.answer(says(429, status(429, 'TooManyRequests'), { 'Retry-After': '3600' }));
  t.match(await failure(client.get(configMaps, ref, never)), { retryAfterMs: 3_600_000 });
  t.equal(server.requests.length, 8, 'an hour is for the caller to wait');
});

t.test('what may have been done is only repeated where that changes nothing', async (t) => {
  await using rig = await start({ clock: hastyClock([]), tries: 2 });
  const { client, server } = rig;
  const tries = async (work: Promise<unknown>): Promise<number> => {
    const before = server.requests.length;
    await failure(work);
    return server.requests.length - before;
  };
  for (const handler of [hangsUp, says(500, status(500, 'InternalError')), says(503, 'no JSON')]) {
    server.answer(handler);
    t.equal(await tries(client.get(configMaps, ref, never)), 2);
    t.equal(await tries(client.list(configMaps, {}, never)), 2);
    t.equal(await tries(client.apply(configMaps, { metadata: ref }, {}, never)), 2);
    t.equal(await tries(client.mergePatch(configMaps, ref, {}, {}, never)), 2);
    t.equal(await tries(client.delete(configMaps, ref, { uid: 'u' }, never)), 2);
    t.equal(await tries(client.create(configMaps, { metadata: ref }, never)), 1);
    t.equal(await tries(client.mergePatch(configMaps, ref, {}, { resourceVersion: '5' }, never)), 1);
    t.equal(await tries(client.applyStatus(configMaps, { metadata: { ...ref, resourceVersion: '5' } }, {}, never)), 1);
    t.equal(await tries(client.delete(configMaps, ref, {}, never)), 1);
  }
});

t.test('refusals come with their reason, the credentials with none', async (t) => {
  await using rig = await start({ clock: hastyClock([]), tries: 1 });
  const cases: [number, unknown, string][] = [
    [409, status(409, 'AlreadyExists'), 'AlreadyExists'],
    [409, status(409, 'Conflict'), 'Conflict'],
    [410, status(410, 'Gone'), 'Expired'],
    [404, '404 page not found', 'NotFound'],
    [415, {}, 'BadRequest'],
    [302, {}, 'Malformed'],
    [200, 'a string', 'Malformed'],
    [200, {}, 'Malformed'],
    [200, { metadata: { name: 'x' } }, 'Malformed'],
    [500, null, 'Internal'],
    [504, status(504, 'Timeout'), 'Unavailable'],
    [404, status(404, '__proto__'), 'NotFound'],
  ];
  for (const [code, body, reason] of cases) {
    rig.server.answer(says(code, body));
    const error = await failure(rig.client.get(configMaps, ref, never));
    t.match(error, { reason, message: /configmaps/ });
    t.notMatch(`${error.stack} ${JSON.stringify(error)}`, 'hunter2');
  }
  rig.server.answer((_, response) => response.end('{"metadata": {"name'));
  t.match(await failure(rig.client.get(configMaps, ref, never)), { reason: 'Malformed' });
});

t.test('a 401 asks for fresh credentials, once', async (t) => {
  const server = await startBrokenServer();
  let asked = 0;
  const credentials = async () => {
    const fresh = await server.connection.credentials();
    return { ...fresh, headers: { Authorization: `Bearer ${++asked}` } };
  };
  const client = createClient({ ...server.connection, credentials });
  server.answer((request, response) => json(response, request.headers.authorization === 'Bearer 2' ? 200 : 401, object('x', '1')));
  await client.create(configMaps, { metadata: ref }, never);
  await client.get(configMaps, ref, never);
  t.equal(asked, 2);
  server.answer(says(401, status(401, 'Unauthorized')));
  t.match(await failure(client.get(configMaps, ref, never)), { reason: 'Unauthorized' });
  t.equal(asked, 3);
  t.equal(server.accepted, 1, 'one connection for all of them');
  const broken = createClient({ ...server.connection, credentials: () => Promise.reject(new Error('hunter2')) });
  const error = await failure(broken.get(configMaps, ref, never));
  t.match(error, { reason: 'Unauthorized', status: 0 });
  t.notMatch(error.message, 'hunter2');
  await client[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

t.test('a hundred calls share their connections, and another authority is not trusted', async (t) => {
  await using rig = await start({}, says(200, object('x', '1')));
  for (let call = 0; call < 100; call++) await rig.client.get(configMaps, ref, never);
  t.equal(rig.server.accepted, 1);
  const stranger: Connection = { ...rig.server.connection, credentials: async () => ({ headers: {}, tls: {} }) };
  const client = createClient(stranger, { tries: 1 });
  t.match(await failure(client.get(configMaps, ref, never)), { reason: 'Unavailable', message: /SELF_SIGNED|UNABLE_TO|CERT/ });
});

t.test('answers that never come, or never end, are given up', async (t) => {
  await using rig = await start({ timeoutMs: 100, tries: 1 });
  const { client, server } = rig;
  server.answer(() => {});
  t.match(await failure(client.get(configMaps, ref, never)), { reason: 'Unavailable', message: /no answer within 100 ms/ });
  server.answer((_, response) => response.write('{"metadata":'));
  t.match(await failure(client.get(configMaps, ref, never)), { reason: 'Unavailable', message: /no answer within 100 ms/ });
  server.answer((_, response) => {
    response.writeHead(500);
    response.write('{');
  });
  t.match(await failure(client.get(configMaps, ref, never)), { reason: 'Unavailable' });
  const reason = new Error('enough');
  const stop = new AbortController();
  await using patient = await start({}, () => stop.abort(reason));
  await t.rejects(patient.client.get(configMaps, ref, stop.signal), reason);
});

const event = (type: string, body: object): string => `${JSON.stringify({ type, object: body })}\n`;

function streams(...pieces: (string | Uint8Array)[]): Handler {
  return (_, response) => {
    response.writeHead(200);
    response.flushHeaders();
    void (async () => {
      for (const piece of pieces) {
        response.write(piece);
        await delay(2);
      }
      response.end();
    })();
  };
}

async function watched(client: Client): Promise<{ readonly events: WatchEvent[]; readonly error?: ApiError }> {
  const events: WatchEvent[] = [];
  try {
    for await (const one of client.watch(configMaps, { resourceVersion: '1' }, never)) events.push(one);
    return { events };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { events, error };
  }
}

t.test('a watch decodes what comes in pieces, and says what is wrong with what does not', async (t) => {
  await using rig = await start({ watchIdleMs: 200, tries: 1 });
  const { client, server } = rig;
  const whole = Buffer.from(event('ADDED', { ...object('ünï', '2') }) + event('BOOKMARK', { metadata: { resourceVersion: '7' } }));
  server.answer(streams(...Array.from(whole, (_, index) => whole.subarray(index, index + 1))));
  const good = await watched(client);
  t.match(good.events, [
    { kind: 'added', object: { kind: 'ConfigMap', metadata: { name: 'ünï' } } },
    { kind: 'bookmark', resourceVersion: '7' },
  ]);
  t.equal(good.error, undefined);

  const bad: [Handler, string][] = [
    [streams(event('ADDED', object('a', '2')), '{"type": "MODI'), 'Unavailable'],
    [streams('garbage hunter2\n'), 'Malformed'],
    [streams('{"type":"__proto__","object":{}}\n'), 'Malformed'],
    [streams('[]\n'), 'Malformed'],
    [streams(event('ADDED', { metadata: { name: 'a' } })), 'Malformed'],
    [streams(event('BOOKMARK', {})), 'Malformed'],
    [streams(event('ERROR', status(500, 'InternalError'))), 'Internal'],
    [streams(event('ERROR', {})), 'Internal'],
    [(_, response) => void response.write(event('ADDED', object('a', '2'))), 'Unavailable'],
    [(request, response) => void response.write('\n', () => request.socket.destroy()), 'Unavailable'],
    [says(503, {}), 'Unavailable'],
  ];
  for (const [handler, reason] of bad) {
    server.answer(handler);
    const { error } = await watched(client);
    t.equal(error?.reason, reason);
    t.notMatch(String(error), 'hunter2');
  }
  for (const handler of [streams(event('ERROR', status(410, 'Expired'))), says(410, status(410, 'Expired'))]) {
    server.answer(handler);
    t.same((await watched(client)).events, [{ kind: 'expired' }]);
  }
});

t.test('lines are the same however they are cut, and have an end', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ unit: 'binary' })), fc.array(fc.integer({ min: 1, max: 9 })), async (texts, cuts) => {
      const lines = texts.map((text) => Buffer.from(text.replaceAll('\n', '')).toString());
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
      async function* pieces(): AsyncGenerator<Uint8Array> {
        let start = 0;
        for (const cut of cuts) {
          yield bytes.subarray(start, start + cut);
          start += cut;
        }
        yield bytes.subarray(start);
      }
      const split: string[] = [];
      for await (const line of splitLines(pieces())) split.push(line);
      return JSON.stringify(split) === JSON.stringify(lines.filter((line) => line !== ''));
    }),
  );
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) yield Buffer.alloc(2 ** 20, 'x');
  }
  t.match(await failure(splitLines(endless()).next()), { reason: 'Malformed' });
});

/** Lists two objects at version 10, and lets the watch be broken. */
function listing(watch: Handler): Handler {
  return (request, response) => {
    if (isWatch(request)) watch(request, response);
    else json(response, 200, listOf('10', object('a', '1'), object('b', '2')));
  };
}

const isWatch = (request: IncomingMessage): boolean => request.url?.includes('watch=true') ?? false;
const holdsOpen = (response: ServerResponse, text: string): void => {
  response.writeHead(200);
  response.write(text);
};

async function reflected(client: Client, until: (keys: readonly string[], restarts: readonly Restart[]) => boolean, random = () => 0) {
  const stop = new AbortController();
  const store = createStore<KubernetesObject>();
  const restarts: Restart[] = [];
  const onRestart = (restart: Restart): void => void restarts.push(restart);
  const backoff = { firstMs: 1, maxMs: 20, random };
  const reflector = startReflector({ client, resource: configMaps, store, decode: (raw) => raw, onRestart, backoff }, stop.signal);
  while (!until(store.keys(), restarts)) await delay(2);
  stop.abort();
  await reflector.ended;
  return { store, restarts, reflector };
}

t.test('a reflector comes through everything a broken server says, and misses nothing', async (t) => {
  await using rig = await start({ timeoutMs: 500, watchIdleMs: 500, tries: 1 });
  const horrors: Handler[] = [
    hangsUp,
    says(500, status(500, 'InternalError')),
    says(200, 'garbage'),
    says(429, status(429, 'TooManyRequests'), { 'Retry-After': '0' }),
    streams('garbage\n'),
    streams(event('MODIFIED', object('a', '11')), '{"half'),
    () => {},
    streams(event('ERROR', status(410, 'Expired'))),
    streams(event('ERROR', status(500, 'InternalError'))),
    streams(),
    (_, response) => holdsOpen(response, event('ADDED', object('c', '12'))),
  ];
  const lists = inTurn(hangsUp, says(500, {}), says(200, []), says(410, status(410, 'Expired')), () => {});
  let listFailures = 0;
  rig.server.answer((request, response) => {
    if (!isWatch(request) && listFailures++ < 5) lists(request, response);
    else listing(horror)(request, response);
  });
  const horror = inTurn(...horrors);
  const { store, restarts, reflector } = await reflected(rig.client, (keys) => keys.includes('default/c'));
  await reflector.synced;
  t.ok(reflector.hasSynced);
  t.same([...store.keys()].sort(), ['default/a', 'default/b', 'default/c']);
  const causes = restarts.map(({ cause }) => cause);
  t.ok(causes.filter((cause) => cause === 'failed').length >= 5 + 8);
  t.ok(causes.includes('expired') && causes.includes('ended'));
});

t.test('a watch goes on from the last bookmark', async (t) => {
  const versions: (string | null)[] = [];
  await using rig = await start();
  rig.server.answer((request, response) => {
    const query = new URL(request.url ?? '', 'https://x').searchParams;
    if (!isWatch(request)) return json(response, 200, listOf(versions.length === 0 ? '10' : '90', object('a', '1')));
    versions.push(query.get('resourceVersion'));
    const timeout = Number(query.get('timeoutSeconds'));
    if (!(timeout >= 300 && timeout <= 600) || query.get('allowWatchBookmarks') !== 'true') versions.push('wrong query');
    streams(event('BOOKMARK', { metadata: { resourceVersion: `${versions.length}0` } }))(request, response);
  });
  await reflected(rig.client, () => versions.length >= 4);
  t.same(versions.slice(0, 4), ['10', '10', '20', '30']);
});

t.test('a server that ends every watch at once is not hammered, nor one whose history always is over', async (t) => {
  for (const watch of [streams(), streams(event('ERROR', status(410, 'Expired')))]) {
    const waits: number[] = [];
    await using rig = await start({}, listing(watch));
    const stop = new AbortController();
    const store = createStore<KubernetesObject>();
    const backoff = { firstMs: 100, maxMs: 1_000, random: () => 1 };
    const options = {
      client: rig.client,
      resource: configMaps,
      store,
      decode: (raw: KubernetesObject) => raw,
      backoff,
      clock: hastyClock(waits),
    };
    const reflector = startReflector(options, stop.signal);
    while (waits.length < 6) await delay(2);
    stop.abort();
    await reflector.ended;
    t.same(waits.slice(0, 6), [200, 400, 800, 1_000, 1_000, 1_000], 'the first time at once, then ever later');
  }
});

t.test('Retry-After holds a reflector back, too', async (t) => {
  const waits: number[] = [];
  await using rig = await start({ tries: 1 }, says(429, {}, { 'Retry-After': '3' }));
  const stop = new AbortController();
  const store = createStore<KubernetesObject>();
  const reflector = startReflector(
    { client: rig.client, resource: configMaps, store, decode: (raw) => raw, clock: hastyClock(waits) },
    stop.signal,
  );
  while (waits.length < 2) await delay(2);
  stop.abort();
  await reflector.ended;
  t.same(waits.slice(0, 2), [3_000, 3_000]);
  await t.rejects(reflector.synced, { name: 'AbortError' });
});

t.test('a kubeconfig that cannot be used is refused without being quoted', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'virtwright-kubeconfig-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const attempt = async (text: string): Promise<Error> => {
    const path = join(folder, 'config');
    await writeFile(path, text);
    return loadKubeConfig(path).then(
      () => new Error('it was taken'),
      (error: Error) => error,
    );
  };
  for (const text of ['token: "hunter2', '{]hunter2', '[]', '', 'users: [{ name: hunter2 }]', 'clusters: hunter2']) {
    const error = await attempt(text);
    t.match(error.message, /^the kubeconfig \(/);
    t.notMatch(`${error.stack} ${error.cause}`, 'hunter2');
  }
});

t.test('a token, basic authentication and a path prefix reach the server', async (t) => {
  await using server = await startBrokenServer();
  const folder = await mkdtemp(join(tmpdir(), 'virtwright-kubeconfig-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const seen: (string | undefined)[] = [];
  server.answer((request, response) => {
    seen.push(request.headers.authorization, request.url);
    json(response, 200, object('x', '1'));
  });
  const { tls } = await server.connection.credentials();
  const ca = Buffer.from(tls.ca ?? '').toString('base64');
  const url = `${server.connection.server}proxy/`;
  for (const user of [{ token: 'abc' }, { username: 'u', password: 'p' }]) {
    const config = {
      'current-context': 'c',
      clusters: [{ name: 'c', cluster: { server: url, 'certificate-authority-data': ca } }],
      users: [{ name: 'u', user }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    };
    await writeFile(join(folder, 'config'), JSON.stringify(config));
    const client = createClient(await loadKubeConfig(join(folder, 'config')));
    await client.get(configMaps, ref, never);
    await client[Symbol.asyncDispose]();
  }
  const path = '/proxy/api/v1/namespaces/default/configmaps/x';
  t.same(seen, ['Bearer abc', path, `Basic ${Buffer.from('u:p').toString('base64')}`, path]);
});

t.test('what happens is counted, and served on loopback', async (t) => {
  const registry = new Registry();
  const metrics = createMetrics(registry);
  await using rig = await start({ onRequest: metrics.onRequest, tries: 1 }, says(200, object('x', '1')));
  await rig.client.get(configMaps, ref, never);
  rig.server.answer(hangsUp);
  await failure(rig.client.get(configMaps, ref, never));
  metrics.onRestart({ resource: 'configmaps', cause: 'expired' });
  metrics.onDropped('limited');
  const queue = metrics.queue('machines');
  queue.added();
  queue.retried();
  queue.depth(3);
  // That of another host: what waits there waits, too.
  metrics.queue('machines').depth(4);
  queue.depth(1);
  queue.waited(0.01);
  queue.processed(0.2, 'error');
  queue.reconciled('success', 0.2);
  queue.reconciled('error', 0.2);
  metrics.onLease('leader', true);
  metrics.onLease('leader', false);
  let wrong: string | undefined = 'the store is not filled';
  await using served = await serve({ port: 0, metrics: registry, notReady: () => wrong });
  t.match(served.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  const page = await (await fetch(`${served.url}/metrics`)).text();
  for (const line of [
    'virtwright_rest_client_requests_total{verb="get",resource="configmaps",code="200"} 1',
    'virtwright_rest_client_requests_total{verb="get",resource="configmaps",code="0"} 1',
    'virtwright_watch_restarts_total{resource="configmaps",cause="expired"} 1',
    'virtwright_events_dropped_total{why="limited"} 1',
    'virtwright_leader_election_master_status{name="leader"} 0',
    'virtwright_workqueue_adds_total{name="machines"} 1',
    'virtwright_workqueue_retries_total{name="machines"} 1',
    'virtwright_workqueue_depth{name="machines"} 5',
    'virtwright_workqueue_queue_duration_seconds_count{name="machines"} 1',
    'virtwright_workqueue_work_duration_seconds_count{name="machines"} 1',
    'virtwright_active_workers{name="machines"} 0',
    'virtwright_reconcile_total{controller="machines",result="error"} 1',
    'virtwright_reconcile_errors_total{controller="machines"} 1',
    'virtwright_reconcile_time_seconds_count{controller="machines"} 2',
  ])
    t.match(page, line);
  const ready = await fetch(`${served.url}/readyz`);
  t.same([ready.status, await ready.text()], [503, 'the store is not filled\n']);
  wrong = undefined;
  t.equal((await fetch(`${served.url}/readyz`)).status, 200);
  t.equal((await fetch(`${served.url}/healthz`, { method: 'HEAD' })).status, 200);
  t.equal((await fetch(`${served.url}/healthz`, { method: 'POST' })).status, 405);
  t.equal((await fetch(`${served.url}/secret`)).status, 404);
  await t.rejects(serve({ port: Number(new URL(served.url).port), metrics: registry }), { code: 'EADDRINUSE' });
});
