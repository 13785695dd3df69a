import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { type JsonObject, objectsAt } from './json.js';
import { startStandalone } from './server.js';

const folder = await mkdtemp(join(tmpdir(), 'vw-standalone-'));
let now = Date.now();
const server = await startStandalone({ folder, port: 0, now: () => now });
t.teardown(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});
const file = (name: string) => readFile(join(folder, name), 'utf8');
const [ca, cert, key] = await Promise.all(['ca.crt', 'admin.crt', 'admin.key'].map(file));

interface Reply {
  readonly code: number;
  readonly body: JsonObject;
  readonly warnings: readonly string[];
}
type Body = string | Uint8Array | object | undefined;

function call(method: string, path: string, body?: Body, type = 'application/json'): Promise<Reply> {
  const given = body === undefined || typeof body === 'string' || body instanceof Uint8Array ? (body ?? '') : JSON.stringify(body);
  // Node frames the body of a DELETE only when it is told how long it is.
  const headers = { 'Content-Type': type, 'Content-Length': Buffer.byteLength(given) };
  return new Promise((resolve, reject) => {
    const sent = request(`${server.url}${path}`, { method, ca, cert, key, headers }, async (response) => {
      const answer = await text(response);
      const body = answer.startsWith('{') ? (JSON.parse(answer) as JsonObject) : { answer };
      resolve({ code: response.statusCode ?? 0, body, warnings: [response.headers['warning'] ?? []].flat() });
    });
    sent.on('error', reject);
    sent.end(given);
  });
}
const configMaps = '/api/v1/namespaces/default/configmaps';
const configMap = (name: string, more: object = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...more } });
async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await isSo()); tries += 1) {
    if (tries > 500) throw new Error(`still not so: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

t.test('its files are its own, and nobody comes in without a certificate of its', async (t) => {
  t.equal((await stat(folder)).mode & 0o777, 0o700);
  for (const name of await readdir(folder)) t.equal((await stat(join(folder, name))).mode & 0o777, 0o600, name);
  await t.rejects(
    new Promise((resolve, reject) => {
      const sent = request(`${server.url}/api`, { ca }, resolve);
      sent.on('error', reject);
      sent.end();
    }),
  );
  t.match(await call('GET', '/api'), { code: 200 });
});

t.test('what is meant to harm is refused, and the server goes on', async (t) => {
  const deep = `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`;
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x,x]\n${'bcdefgh'.replace(/./g, (name, at: number) => `${name}: &${name} [${`*${'abcdefg'[at]},`.repeat(10)}]\n`)}`;
  for (const [what, body, type, code] of [
    ['__proto__', '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","__proto__":{"polluted":1}}}', 'application/json', 400],
    ['depth', deep, 'application/json', 400],
    ['size', `{"a":"${'x'.repeat(4 * 2 ** 20)}"}`, 'application/json', 413],
    ['aliases', bomb, 'application/yaml', 400],
    ['no JSON', '{', 'application/json', 400],
    ['no object', '[]', 'application/json', 400],
    ['no protobuf', new Uint8Array([0x6b, 0x38, 0x73, 0, 255, 255, 255]), 'application/vnd.kubernetes.protobuf', 400],
    ['no such type', 'x', 'text/html', 415],
    ['a name that leads elsewhere', configMap('../x'), 'application/json', 422],
    ['a version of its own', configMap('x', { resourceVersion: '1' }), 'application/json', 400],
    ['another kind', { ...configMap('x'), kind: 'Secret' }, 'application/json', 400],
  ] as const)
    t.equal((await call('POST', configMaps, body, type)).code, code, what);
  t.equal((await call('POST', configMaps, configMap('a'))).code, 201);
  const pollute = [{ op: 'add', path: '/__proto__/polluted', value: 1 }];
  t.equal((await call('PATCH', `${configMaps}/a`, pollute, 'application/json-patch+json')).code, 422);
  t.equal(
    (await call('PATCH', `${configMaps}/a`, '{"constructor":{"prototype":{"polluted":1}}}', 'application/merge-patch+json')).code,
    200,
    'is unknown, and goes',
  );
  t.equal(({} as { polluted?: unknown }).polluted, undefined);
  for (const [path, code] of [
    ['/api/v1/namespaces/default/configmaps/%zz', 400],
    ['/api/v1//configmaps', 404],
    ['/apis/x', 404],
    [`${configMaps}?limit=-1`, 400],
    [`${configMaps}?continue=AAAA`, 400],
    [`${configMaps}?labelSelector=((((`, 400],
    [`${configMaps}?fieldSelector=spec.x=1`, 400],
    [`${configMaps}?watch=true&resourceVersion=x`, 400],
  ] as const)
    t.equal((await call('GET', path)).code, code, path);
  t.equal((await call('GET', `${configMaps}/a`)).code, 200);
});

t.test('pages are of one moment, and too old ones are expired', async (t) => {
  for (const name of ['p1', 'p2', 'p3']) await call('POST', configMaps, configMap(name, { labels: { page: 'yes' } }));
  const list = `${configMaps}?labelSelector=page%3Dyes&limit=2`;
  const first = (await call('GET', list)).body;
  const token = (first['metadata'] as JsonObject)['continue'];
  await call('DELETE', `${configMaps}/p3`);
  const names = (page: JsonObject) => objectsAt(page, 'items').map((one) => (one['metadata'] as JsonObject)['name']);
  t.same(names(first), ['p1', 'p2']);
  t.same(names((await call('GET', `${list}&continue=${token}`)).body), ['p3'], 'as it was then');
  now += 6 * 60_000;
  t.match(await call('GET', `${list}&continue=${token}`), { code: 410, body: { reason: 'Expired' } });
});

t.test('a namespace goes with all that is in it, and takes nothing new meanwhile', async (t) => {
  await call('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  const within = '/api/v1/namespaces/shop/configmaps';
  await call('POST', within, configMap('held', { finalizers: ['a.b/c'] }));
  await call('POST', within, configMap('free'));
  t.equal((await call('DELETE', '/api/v1/namespaces/shop')).code, 200);
  await until(async () => (await call('GET', `${within}/free`)).code === 404);
  t.match(await call('POST', within, configMap('late')), { code: 403, body: { message: /being terminated/ } });
  t.match((await call('GET', '/api/v1/namespaces/shop')).body, { status: { phase: 'Terminating' } });
  await call('PATCH', `${within}/held`, { metadata: { finalizers: null } }, 'application/merge-patch+json');
  await until(async () => (await call('GET', '/api/v1/namespaces/shop')).code === 404);
  t.equal((await call('POST', within, configMap('later'))).code, 404);
});

t.test('who is owned goes with its last owner; orphaned it stays', async (t) => {
  const made = async (name: string, owners: readonly JsonObject[] = []) => {
    const ownerReferences = owners.map((one) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      name: (one['metadata'] as JsonObject)['name'],
      uid: (one['metadata'] as JsonObject)['uid'],
    }));
    return (await call('POST', configMaps, configMap(name, owners.length === 0 ? {} : { ownerReferences }))).body;
  };
  const [one, two, three] = [await made('one'), await made('two'), await made('three')];
  await made('of-one', [one]);
  await made('of-both', [one, two]);
  await made('of-three', [three]);
  await call('DELETE', `${configMaps}/one`);
  await until(async () => (await call('GET', `${configMaps}/of-one`)).code === 404);
  await until(
    async () => objectsAt((await call('GET', `${configMaps}/of-both`)).body['metadata'] as JsonObject, 'ownerReferences').length === 1,
  );
  await call('DELETE', `${configMaps}/three`, { propagationPolicy: 'Orphan' });
  await until(async () => (await call('GET', `${configMaps}/three`)).code === 404);
  t.notOk(((await call('GET', `${configMaps}/of-three`)).body['metadata'] as JsonObject)['ownerReferences']);
});

t.test('a key that is said twice is told of, or refused', async (t) => {
  const body = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"twice"},"data":{"a":"1","a":"2"},"colour":1}';
  const strict = await call('POST', `${configMaps}?fieldValidation=Strict`, body);
  t.match(strict, { code: 400, body: { message: /strict decoding error: duplicate field "data.a"/ } });
  const { code, body: made, warnings } = await call('POST', configMaps, body);
  t.match({ code, data: made['data'] }, { code: 201, data: { a: '2' } }, 'the last one counts');
  t.match(warnings.join(), /duplicate field .*data\.a.*unknown field .*colour/);
  t.same((await call('PUT', `${configMaps}/twice?fieldValidation=Ignore`, body)).warnings, []);
  const patch = '{"data":{"b":"1","b":"2"}}';
  t.equal((await call('PATCH', `${configMaps}/twice?fieldValidation=Strict`, patch, 'application/merge-patch+json')).code, 400);
  t.match(
    (await call('PATCH', `${configMaps}/twice?fieldManager=me`, body, 'application/apply-patch+yaml')).warnings.join(),
    /duplicate field/,
  );
});

const merge = 'application/merge-patch+json';
const free = { metadata: { finalizers: null } };

t.test('who waits for what it owns goes as soon as that is gone', async (t) => {
  const { body: owner } = await call('POST', configMaps, configMap('owner'));
  const { uid } = owner['metadata'] as JsonObject;
  const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid, blockOwnerDeletion: true }];
  await call('POST', configMaps, configMap('owned', { ownerReferences, finalizers: ['a.b/c'] }));
  await call('DELETE', `${configMaps}/owner`, { propagationPolicy: 'Foreground' });
  await until(async () => 'deletionTimestamp' in ((await call('GET', `${configMaps}/owned`)).body['metadata'] as object));
  t.match((await call('GET', `${configMaps}/owner`)).body, { metadata: { finalizers: ['foregroundDeletion'] } });
  await call('PATCH', `${configMaps}/owned`, free, merge);
  await until(async () => (await call('GET', `${configMaps}/owner`)).code === 404);
});

t.test('who comes with an owner that is not there goes; of an owner that may be elsewhere nothing is known', async (t) => {
  const gone = { apiVersion: 'v1', kind: 'ConfigMap', name: 'never', uid: 'b0a3a0a8-0000-4000-8000-000000000000' };
  await call('POST', configMaps, configMap('of-elsewhere', { ownerReferences: [{ ...gone, kind: 'Pod', uid: 'elsewhere' }] }));
  await call('POST', configMaps, configMap('of-nobody', { ownerReferences: [gone] }));
  await until(async () => (await call('GET', `${configMaps}/of-nobody`)).code === 404);
  t.equal((await call('GET', `${configMaps}/of-elsewhere`)).code, 200);
});

t.test('a kind goes as soon as its last object is gone', async (t) => {
  const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const names = { plural: 'gadgets', kind: 'Gadget' };
  const versions = [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }];
  const spec = { group: 'a.test', scope: 'Namespaced', names, versions };
  const crd = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'gadgets.a.test' }, spec };
  t.equal((await call('POST', crds, crd)).code, 201);
  const gadgets = '/apis/a.test/v1/namespaces/default/gadgets';
  const gadget = { apiVersion: 'a.test/v1', kind: 'Gadget', metadata: { name: 'held', finalizers: ['a.b/c'] } };
  await until(async () => (await call('POST', gadgets, gadget)).code === 201);
  await call('DELETE', `${crds}/gadgets.a.test`);
  await until(async () => 'deletionTimestamp' in ((await call('GET', `${gadgets}/held`)).body['metadata'] as object));
  t.match(await call('POST', gadgets, { ...gadget, metadata: { name: 'late' } }), { code: 405, body: { message: /is terminating/ } });
  await call('PATCH', `${gadgets}/held`, free, merge);
  await until(async () => (await call('GET', `${crds}/gadgets.a.test`)).code === 404);
  t.equal((await call('GET', gadgets)).code, 404);
});

t.test('what is immutable stays as it is, and can go', async (t) => {
  const path = '/api/v1/namespaces/default/secrets';
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'fixed' }, stringData: { a: 'b' }, immutable: true };
  t.match(await call('POST', path, secret), { code: 201, body: { type: 'Opaque', data: { a: 'Yg==' } } });
  const patch = (change: object) => call('PATCH', `${path}/fixed`, change, merge);
  for (const change of [{ data: { a: 'Yw==' } }, { stringData: { c: 'd' } }, { immutable: null }])
    t.match(await patch(change), { code: 422, body: { message: /field is immutable when `immutable` is set/ } });
  t.match(await patch({ type: 'other' }), { code: 422, body: { message: /type: .*field is immutable/ } });
  t.equal((await patch({ metadata: { labels: { a: 'b' } } })).code, 200);
  t.equal((await call('DELETE', `${path}/fixed`)).code, 200);
});

t.test('an event has two faces, and goes after an hour', async (t) => {
  const events = '/apis/events.k8s.io/v1/namespaces/default/events';
  const regarding = { kind: 'ConfigMap', name: 'a', namespace: 'default', uid: 'u' };
  const event = {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: 'e' },
    regarding,
    note: 'was started',
    reason: 'Started',
    type: 'Normal',
    eventTime: new Date(now).toISOString(),
    reportingController: 'a.b/c',
  };
  t.equal((await call('POST', events, event)).code, 201);
  const old = await call('GET', '/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3Da');
  t.match(objectsAt(old.body, 'items'), [
    { apiVersion: 'v1', message: 'was started', involvedObject: regarding, source: { component: 'a.b/c' } },
  ]);
});
