import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import fc from 'fast-check';
import t from 'tap';
import { startStandalone } from './server.js';

const folder = await mkdtemp(join(tmpdir(), 'vw-hostile-'));
const server = await startStandalone({ folder, port: 0 });
t.teardown(async () => {
  agent.destroy();
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});
const [ca, cert, key] = await Promise.all(['ca.crt', 'admin.crt', 'admin.key'].map((name) => readFile(join(folder, name), 'utf8')));
const agent = new Agent({ ca, cert, key, keepAlive: true, maxSockets: 8 });
const port = Number(new URL(server.url).port);

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string;
}

function send({ method, path, headers = {}, body = '' }: Sent): Promise<{ readonly code: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const length = { 'Content-Length': Buffer.byteLength(body) };
    const sent = request({ host: '127.0.0.1', port, agent, method, path, headers: { ...headers, ...length } }, async (response) =>
      resolve({ code: response.statusCode ?? 0, text: await text(response) }),
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

const configMaps = '/api/v1/namespaces/default/configmaps';
const json = { 'Content-Type': 'application/json' };
const create = (name: string, more: object) =>
  send({
    method: 'POST',
    path: configMaps,
    headers: json,
    body: JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, ...more }),
  });
const patch = (path: string, type: string, body: unknown) =>
  send({ method: 'PATCH', path, headers: { 'Content-Type': `application/${type}` }, body: JSON.stringify(body) });
const isAlive = async (): Promise<boolean> => (await send({ method: 'GET', path: '/readyz' })).text === 'ok';

const words = fc.constantFrom(
  'api',
  'apis',
  'v1',
  'namespaces',
  'default',
  'configmaps',
  'secrets',
  'events',
  'target',
  'status',
  'scale',
  'finalize',
);
const odd = fc.constantFrom('', '.', '..', '%2e%2e', '%00', '%', '%zz', '*', '__proto__', 'constructor', 'a%2fb', 'x'.repeat(3_000));
const path = fc.array(fc.oneof({ weight: 4, arbitrary: words }, odd), { maxLength: 8 }).map((parts) => `/${parts.join('/')}`);
const target = fc.oneof(
  path,
  fc.constantFrom(configMaps, `${configMaps}/target`, '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', '/api/v1/namespaces'),
);
const value = fc.oneof(fc.string(), fc.constantFrom('', '0', '-1', '1e9', 'true', 'NaN', '((((', 'a in (b', ',,,,', 'a'.repeat(2_000)));
const names = ['limit', 'continue', 'labelSelector', 'fieldSelector', 'resourceVersion', 'resourceVersionMatch', 'dryRun', 'force'];
const query = fc.dictionary(
  fc.constantFrom(...names, 'fieldManager', 'fieldValidation', 'propagationPolicy', 'pretty', 'constructor'),
  value,
  { maxKeys: 4 },
);
const types = [
  'json',
  'yaml',
  'apply-patch+yaml',
  'merge-patch+json',
  'json-patch+json',
  'strategic-merge-patch+json',
  'vnd.kubernetes.protobuf',
];
const type = fc.oneof(
  fc.constantFrom(...types).map((one) => `application/${one}`),
  fc.constantFrom('', 'text/html', ';;;'),
);
const object = fc.record(
  {
    apiVersion: fc.constantFrom('v1', 'v2', ''),
    kind: fc.constantFrom('ConfigMap', 'Namespace', 'Object', ''),
    metadata: fc.oneof(
      fc.dictionary(fc.constantFrom('name', 'labels', 'ownerReferences', 'managedFields', 'finalizers', 'uid'), fc.jsonValue()),
      fc.jsonValue(),
    ),
    data: fc.jsonValue(),
    spec: fc.jsonValue(),
  },
  { requiredKeys: [] },
);
const body = fc.oneof(
  object.map((one) => JSON.stringify(one)),
  fc.json(),
  fc.string(),
  fc.constantFrom('k8s\0', '{', '[[[[', '&a [*a]'),
);
const anyRequest = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND'),
  path: fc.tuple(target, query).map(([at, said]) => `${at}?${new URLSearchParams(said)}`),
  headers: fc.record(
    {
      'Content-Type': type,
      Accept: fc.constantFrom('*/*', 'application/json;as=Table;v=v1;g=meta.k8s.io', 'x'),
      'Impersonate-User': fc.constantFrom('eve', 'system:serviceaccount:a:b'),
    },
    { requiredKeys: [] },
  ),
  body,
});

t.setTimeout(10 * 60_000);
/** More for who wants to be surer. */
const numRuns = Number(process.env['VIRTWRIGHT_FUZZ_RUNS'] ?? 500);

t.test('whatever is sent, the answer is never a fault of the server', { timeout: 300_000 }, async (t) => {
  await fc.assert(
    fc.asyncProperty(anyRequest, async (sent) => {
      const { code, text } = await send(sent);
      if (code >= 500) throw new Error(`${code} ${text}`);
    }),
    { numRuns },
  );
  t.equal(({} as { readonly polluted?: unknown }).polluted, undefined);
  t.ok(await isAlive());
  await create('target', { data: { a: 'b' } });
});

t.test('what would fill the memory, or take for ever, is refused or done soon', async (t) => {
  const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`k${at}`, null]));
  t.equal((await patch(`${configMaps}/target`, 'merge-patch+json', { data: many })).code, 200);
  const items = Array.from({ length: 100_000 }, (_, at) => `f.x/a${at}`);
  const finalizers = { metadata: { finalizers: items } };
  t.equal((await patch(`${configMaps}/target`, 'strategic-merge-patch+json', finalizers)).code, 413, 'larger than an object may be');
  const gone = { metadata: { '$deleteFromPrimitiveList/finalizers': items } };
  t.equal((await patch(`${configMaps}/target`, 'strategic-merge-patch+json', gone)).code, 200);
  const doubling = Array.from({ length: 40 }, (_, at) => ({ op: 'copy', from: '/data', path: `/data/x${at}` }));
  t.match(await patch(`${configMaps}/target`, 'json-patch+json', doubling), {
    code: 413,
    text: /the copies of the patch come to more than/,
  });
  await create('large', { data: { text: 'x'.repeat(1_000_000) } });
  const moves = Array.from({ length: 5_000 }, (_, at) => ({
    op: 'move',
    from: at % 2 ? '/data/b' : '/data/text',
    path: at % 2 ? '/data/text' : '/data/b',
  }));
  t.match(await patch(`${configMaps}/large`, 'json-patch+json', moves), { code: 413, text: /moves and copies too often/ });
  t.match(await patch(`${configMaps}/large`, 'merge-patch+json', { data: { more: 'x'.repeat(1_000_000) } }), {
    code: 413,
    text: /more than \d+ characters/,
  });
  const wrong = Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`k${at}`, 1]));
  const { code, text: told } = await create('wrong', { data: wrong });
  t.ok(code === 422 && told.length < 100_000, 'nor is every fault of many told');
  t.match(told, /and \d+ more/);
  const terms = await send({ method: 'GET', path: `${configMaps}?labelSelector=${','.repeat(7_000)}` });
  t.equal(terms.code, 200);
});

t.test('headers without end are refused', async (t) => {
  t.equal((await send({ method: 'GET', path: '/api', headers: { 'X-Much': 'x'.repeat(32_000) } })).code, 431);
  t.equal((await send({ method: 'GET', path: `/api?${'x'.repeat(32_000)}` })).code, 431);
  t.ok(await isAlive());
});

t.test('who connects and says nothing keeps nobody out', async (t) => {
  const silent = Array.from({ length: 1_000 }, () => connect({ host: '127.0.0.1', port }));
  for (const socket of silent) socket.on('error', () => {});
  await Promise.all(silent.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
  t.ok(await isAlive());
  for (const socket of silent) socket.destroy();
});

t.test('who watches and does not read costs no memory', { timeout: 300_000 }, async (t) => {
  const watchers = await Promise.all(Array.from({ length: 20 }, () => watchUnread()));
  const before = process.memoryUsage().rss;
  const filling = 'x'.repeat(100_000);
  for (let round = 0; round < 300; round += 1)
    await patch(`${configMaps}/target`, 'merge-patch+json', { data: { filling: `${round}${filling}` } });
  const grown = (process.memoryUsage().rss - before) / 2 ** 20;
  // Each of 300 changes is remembered once, of 100 kB; not for each of the watchers, which would be 600 MB.
  t.ok(grown < 300, `${Math.round(grown)} MiB more`);
  for (const socket of watchers) socket.destroy();
  t.ok(await isAlive());
});

async function watchUnread() {
  const socket = connectTls({ host: '127.0.0.1', port, ca, cert, key });
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  socket.write(`GET ${configMaps}?watch=true HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await new Promise((resolve) => socket.once('readable', resolve));
  socket.pause();
  await sleep(1);
  return socket;
}

t.test('one may be taken for another by who may, and is no more than that one then', async (t) => {
  const asEve = { 'Impersonate-User': 'eve' };
  t.match(await send({ method: 'GET', path: configMaps, headers: asEve }), { code: 403, text: /User \\"eve\\" cannot list/ });
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes: { verb: 'get', resource: 'secrets' } },
  };
  const can = await send({
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    headers: { ...json, ...asEve },
    body: JSON.stringify(review),
  });
  t.match(can.text, '"allowed":false');
  const masters = { ...asEve, 'Impersonate-Group': 'system:masters' };
  t.equal((await send({ method: 'GET', path: configMaps, headers: masters })).code, 200);
  t.equal((await send({ method: 'GET', path: configMaps, headers: { 'Impersonate-Group': 'a' } })).code, 400);
  t.equal((await send({ method: 'GET', path: configMaps, headers: { ...asEve, 'Impersonate-Extra-Scopes': 'a' } })).code, 400);
});
