import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { Simulator, type SimulatorOptions } from '#simulators/hyperv/simulator.js';
import { createAuthority, issue } from '#test/cluster/certificates.js';
import { until } from '#test/cluster/until.js';
import { WsmanClient } from './client.js';
import type { Endpoint } from './http.js';
import { Lanes } from './lanes.js';
import type { Login } from './login.js';

const folder = await mkdtemp(join(tmpdir(), 'vw-wsman-'));
t.teardown(() => rm(folder, { recursive: true }));
const authority = await createAuthority(folder);
const server = await issue(folder, 'server', '/CN=hyperv', 'serverAuth');
const client = await issue(folder, 'client', '/CN=somebody', 'clientAuth');
const read = (path: string) => readFile(path, 'utf8');
const [ca, cert, key, clientCert, clientKey] = await Promise.all(
  [authority.cert, server.cert, server.key, client.cert, client.key].map(read),
);
const pem = (text: string | undefined): string => text ?? '';
const tls = { cert: pem(cert), key: pem(key) };

const soon = () => AbortSignal.timeout(30_000);
const password = 'p ä"ss\\w0rd';
const users = [{ name: 'Administrator', password, certificates: [new X509Certificate(pem(clientCert)).fingerprint256] }];
const ntlm: Login = { kind: 'ntlm', username: 'Administrator', domain: '', password };
const basic: Login = { kind: 'basic', username: 'Administrator', password };
const certificate: Login = { kind: 'certificate', cert: pem(clientCert), key: pem(clientKey) };
const v2 = 'root/virtualization/v2';
const machines = "SELECT * FROM Msvm_ComputerSystem WHERE Description = 'Microsoft Virtual Machine'";

async function simulated(t: Test, options: Partial<SimulatorOptions> = {}): Promise<Simulator> {
  const simulator = await Simulator.start({ mode: 'v2', folder, users, ...options });
  t.teardown(() => simulator[Symbol.asyncDispose]());
  return simulator;
}

function connected(t: Test, { port }: Pick<Simulator, 'port'>, login: Login = ntlm, trust?: Endpoint['trust']): WsmanClient {
  const endpoint = { host: '127.0.0.1', port, ...(trust === undefined ? {} : { trust }) };
  const connection = new WsmanClient(new Lanes(endpoint, login));
  t.teardown(() => connection[Symbol.asyncDispose]());
  return connection;
}

const overTls = { ca: pem(ca) };
const names = async (connection: WsmanClient) =>
  (await connection.query(v2, machines, soon())).map(({ properties }) => properties.get('ElementName')?.[0]);

async function defined(connection: WsmanClient, ...wanted: readonly string[]): Promise<void> {
  const [service] = await connection.queryReferences(v2, 'SELECT * FROM Msvm_VirtualSystemManagementService', soon());
  if (service === undefined) throw new Error('no service');
  for (const name of wanted) {
    const text = `<INSTANCE CLASSNAME="Msvm_VirtualSystemSettingData"><PROPERTY NAME="ElementName" TYPE="string"><VALUE>${name}</VALUE></PROPERTY></INSTANCE>`;
    const { returnValue } = await connection.invoke(service, 'DefineSystem', { SystemSettings: text }, soon());
    if (returnValue !== 0) throw new Error(`DefineSystem gave ${returnValue}`);
  }
}

t.test('the host says who it is', async (t) => {
  const identity = await connected(t, await simulated(t)).identify(soon());
  t.match(identity, { vendor: 'Microsoft Corporation', version: /^OS: 10\.0/ });
});

for (const [what, login, trust, options] of [
  ['NTLM with sealed messages, over plain HTTP', ntlm, undefined, {}],
  ['NTLM, bound to TLS where that is asked for', ntlm, overTls, { certificate: tls, ways: { strictBinding: true } }],
  ['Basic over TLS', basic, overTls, { certificate: tls, ways: { basic: true } }],
  [
    'a certificate that is mapped to an account',
    certificate,
    { ...overTls, client: certificate },
    { certificate: tls, ways: { certificate: true } },
  ],
] as const)
  t.test(`one is let in by ${what}`, async (t) => {
    const connection = connected(t, await simulated(t, options), login, trust);
    await defined(connection, 'one');
    t.same(await names(connection), ['one']);
  });

for (const [what, login, trust, options, words] of [
  ['a wrong password', { ...ntlm, password: 'other' }, undefined, {}, /refuses the login: check "username"/],
  [
    'a host without NTLM',
    ntlm,
    undefined,
    { ways: { negotiate: false, basic: true } },
    /does not take NTLM: it offers Basic; allow Negotiate/,
  ],
  ['a host without Basic', basic, overTls, { certificate: tls }, /does not take Basic: it offers Negotiate; allow it/],
  [
    'a wrong password by Basic',
    { ...basic, password: 'x' },
    overTls,
    { certificate: tls, ways: { basic: true } },
    /Basic knows only accounts/,
  ],
  [
    'a certificate that nobody mapped',
    { ...certificate },
    overTls,
    { certificate: tls, ways: { certificate: true } },
    /map the certificate/,
  ],
  [
    'an account without rights',
    ntlm,
    undefined,
    { users: [{ name: 'Administrator', password, powerless: true }] },
    /"Hyper-V Administrators"/,
  ],
  ['a host that is not known', basic, {}, { certificate: tls, ways: { basic: true } }, /certificate is not trusted/],
] as const)
  t.test(`${what} is told in words, without the password`, async (t) => {
    const simulator = await simulated(t, options);
    const failing = names(connected(t, simulator, login as Login, trust));
    await t.rejects(failing, { name: 'DriverError', code: 'Denied', message: words });
    const reason = await failing.catch((reason: Error) => reason);
    t.notMatch(JSON.stringify([String(reason), (reason as Error).stack]), password);
  });

t.test('a sealed password or message is nowhere on the wire in clear', async (t) => {
  const simulator = await simulated(t);
  const heard: string[] = [];
  const between = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    heard.push(Buffer.concat(chunks).toString('latin1'), JSON.stringify(request.headers));
    response.writeHead(401, { 'WWW-Authenticate': 'Negotiate' }).end();
  });
  between.listen(0, '127.0.0.1');
  await once(between, 'listening');
  t.teardown(() => between.close());
  await t.rejects(names(connected(t, { port: (between.address() as AddressInfo).port })), { code: 'Denied' });
  t.ok(simulator.port > 0);
  t.notMatch(heard.join(), /Msvm_ComputerSystem|w0rd/);
});

t.test('many come in pages, and in one when they fit', async (t) => {
  const simulator = await simulated(t);
  const connection = connected(t, simulator);
  const wanted = Array.from({ length: 250 }, (_, at) => `m${at}`);
  await defined(connection, ...wanted);
  simulator.host.asked.splice(0);
  t.same(new Set(await names(connection)), new Set(wanted));
  t.same(
    simulator.host.asked.map((what) => what.split(' ')[0]),
    ['Enumerate', 'Pull', 'Pull'],
  );
  t.equal(simulator.open, 0, 'and no listing is left open');
});

t.test('a listing that the host forgot midway begins anew, once', async (t) => {
  const simulator = await simulated(t);
  const connection = connected(t, simulator);
  const wanted = Array.from({ length: 120 }, (_, at) => `m${at}`);
  await defined(connection, ...wanted);
  simulator.host.troubles.add('Pull', { kind: 'slow', ms: 30 }, 1);
  const asking = names(connection);
  while (simulator.open === 0) await new Promise(setImmediate);
  simulator.forget();
  t.equal((await asking).length, 120);
});

t.test('a listing that is given up is closed on the host', async (t) => {
  const simulator = await simulated(t);
  const connection = connected(t, simulator);
  await defined(connection, ...Array.from({ length: 120 }, (_, at) => `m${at}`));
  simulator.host.troubles.add('Pull', { kind: 'slow', ms: 20_000 }, 1);
  const giveUp = new AbortController();
  const asking = connection.query(v2, machines, giveUp.signal);
  while (!simulator.host.asked.includes('Pull')) await new Promise(setImmediate);
  giveUp.abort();
  await t.rejects(asking, { code: 'TimedOut' });
  while (simulator.open > 0) await new Promise(setImmediate);
  t.ok(simulator.host.asked.includes('Release'));
});

t.test('an object is got, and gone is told', async (t) => {
  const simulator = await simulated(t);
  const connection = connected(t, simulator);
  await defined(connection, 'one');
  const [reference] = await connection.queryReferences(v2, machines, soon());
  if (reference === undefined) throw new Error('no machine');
  const { properties } = await connection.get(reference, soon());
  t.same(properties.get('ElementName'), ['one']);
  t.same(properties.get('OperationalStatus'), ['2']);
  t.same(properties.get('ProcessID'), [], 'null has no value');
  t.match(properties.get('InstallDate')?.[0], /^\d{4}-\d\d-\d\dT/);
  simulator.host.machines.clear();
  await t.rejects(connection.get(reference, soon()), { code: 'NotFound' });
});

t.test('what can be written is, once; and what cannot is told', async (t) => {
  const simulator = await simulated(t);
  const connection = connected(t, simulator);
  const [os] = await connection.queryReferences('root/cimv2', 'SELECT * FROM Win32_OperatingSystem', soon());
  if (os === undefined) throw new Error('no system');
  const said = async () => (await connection.get(os, soon())).properties.get('Description');
  await connection.put(os, 'Win32_OperatingSystem', { Description: `ours & "theirs" <ü>` }, soon());
  t.same(await said(), [`ours & "theirs" <ü>`]);
  const refused = connection.put(os, 'Win32_OperatingSystem', { Description: 'x', Version: '11' }, soon());
  await t.rejects(refused, { message: /objects of Win32_OperatingSystem cannot be written/ });
  simulator.host.troubles.add('Put', { kind: 'cut', when: 'after' }, 1);
  const unheard = connection.put(os, 'Win32_OperatingSystem', { Description: 'new' }, soon());
  await t.rejects(unheard, { code: 'Unavailable', message: /may still be at what was asked/ });
  t.same(await said(), ['new']);
  t.equal(simulator.host.asked.filter((what) => what.startsWith('Put ')).length, 3, 'none is sent twice');
  await defined(connection, 'one');
  const [machine] = await connection.queryReferences(v2, machines, soon());
  if (machine === undefined) throw new Error('no machine');
  await t.rejects(connection.put(machine, 'Msvm_ComputerSystem', { ElementName: 'two' }, soon()), { message: /cannot be written/ });
  t.same(await names(connection), ['one']);
});

t.test('a method is asked once, and says what came of it', async (t) => {
  const simulator = await simulated(t);
  const connection = connected(t, simulator);
  await defined(connection, `"quoted" &amp; 'so' %_[a]`);
  const [reference] = await connection.queryReferences(v2, machines, soon());
  if (reference === undefined) throw new Error('no machine');
  const { returnValue, values } = await connection.invoke(reference, 'RequestStateChange', { RequestedState: 2 }, soon());
  t.equal(returnValue, 4096);
  t.match(values.get('Job'), [{ kind: 'reference', resourceUri: /Msvm_ConcreteJob$/, selectors: { InstanceID: String } }]);
  t.equal(simulator.host.asked.filter((what) => what === 'Msvm_ComputerSystem.RequestStateChange').length, 1);
  await t.rejects(connection.invoke(reference, 'Fly', {}, soon()), { code: 'Unsupported', message: /does not have the method/ });
});

t.test('access denied to one method, and quotas, are told', async (t) => {
  const simulator = await simulated(t, { maxOperations: 1 });
  const connection = connected(t, simulator);
  await defined(connection, ...Array.from({ length: 101 }, (_, at) => `m${at}`));
  simulator.host.troubles.add('Enumerate', { kind: 'denied' }, 1);
  await t.rejects(names(connection), { code: 'Denied', message: /Access is denied.*0x5.*"Remote Management Users"/ });
  simulator.host.troubles.add('Pull', { kind: 'slow', ms: 500 }, 1);
  const first = names(connection);
  while (simulator.open === 0) await new Promise(setImmediate);
  await t.rejects(names(connection), { code: 'Exhausted', message: /winrm get winrm\/config/ });
  t.equal((await first).length, 101);
});

t.test('a socket that broke costs what can be asked again nothing, and what cannot is not sent twice', async (t) => {
  const simulator = await simulated(t);
  const connection = connected(t, simulator);
  await defined(connection, 'one');
  simulator.cut();
  await new Promise(setImmediate);
  t.same(await names(connection), ['one'], 'a new socket is logged in on');
  const [reference] = await connection.queryReferences(v2, machines, soon());
  if (reference === undefined) throw new Error('no machine');
  simulator.host.troubles.add('RequestStateChange', { kind: 'cut', when: 'after' }, 1);
  await t.rejects(connection.invoke(reference, 'RequestStateChange', { RequestedState: 2 }, soon()), {
    code: 'Unavailable',
    message: /may still be at what was asked/,
  });
  t.equal(simulator.host.asked.filter((what) => what === 'Msvm_ComputerSystem.RequestStateChange').length, 1);
  t.same(await names(connection), ['one'], 'and the connection goes on');
});

t.test('what is given up leaves the connection whole for whatever comes at the same moment', async (t) => {
  const simulator = await simulated(t);
  const connection = connected(t, simulator);
  await defined(connection, 'one');
  for (let turn = 0; turn < 10; turn++) {
    simulator.host.troubles.add('Enumerate', { kind: 'slow', ms: 10_000 }, 4);
    const before = simulator.host.asked.length;
    const giveUp = new AbortController();
    const given = Array.from({ length: 4 }, () => connection.query(v2, machines, giveUp.signal));
    while (simulator.host.asked.length < before + 4) await new Promise(setImmediate);
    const next = Array.from({ length: 8 }, () => names(connection));
    giveUp.abort();
    for (const each of given) await t.rejects(each, { code: 'TimedOut' });
    for (const each of next) t.same(await each, ['one']);
  }
});

t.test('fifty questions at once go by four sockets, and each has its own answer', async (t) => {
  const simulator = await simulated(t);
  const connection = connected(t, simulator);
  const wanted = Array.from({ length: 50 }, (_, at) => `m${at}`);
  await defined(connection, ...wanted);
  const found = await Promise.all(
    wanted.map((name) => connection.query(v2, `SELECT * FROM Msvm_ComputerSystem WHERE ElementName = '${name}'`, soon())),
  );
  t.same(
    found.map(([one]) => one?.properties.get('ElementName')?.[0]),
    wanted,
  );
  t.equal(simulator.sockets, 4);
});

t.test('a message that is too large, and a path that is another, are told', async (t) => {
  const simulator = await simulated(t);
  await t.rejects(connected(t, simulator).query(v2, `${machines} AND Name = '${'x'.repeat(600_000)}'`, soon()), {
    code: 'Exhausted',
    message: /413.*MaxEnvelopeSizekb/,
  });
});

t.test('no answer is larger than we take: many come in several, and one that does not fit is told', async (t) => {
  const simulator = await simulated(t);
  const connection = connected(t, simulator);
  await defined(connection, 'one', 'two', 'three');
  const say = (bytes: number) => {
    for (const machine of simulator.host.machines.values()) machine.settings = { ...machine.settings, Notes: ['x'.repeat(bytes)] };
  };
  const settings = () => connection.query(v2, 'SELECT * FROM Msvm_VirtualSystemSettingData', soon());
  say(300_000);
  simulator.host.asked.splice(0);
  t.equal((await settings()).length, 3);
  t.equal(simulator.host.asked.filter((what) => what === 'Pull').length, 2);
  say(600_000);
  await t.rejects(settings(), { code: 'Exhausted', message: /larger than the maximum envelope size.*MaxEnvelopeSizekb/ });
  say(10);
  t.equal((await settings()).length, 3, 'and the connection goes on');
  t.equal(simulator.open, 0);
});

t.test('events are heard as they come, and the host is told when nobody listens any more', async (t) => {
  const simulator = await simulated(t);
  const connection = connected(t, simulator);
  await defined(connection, 'one');
  const stop = new AbortController();
  const wql = "SELECT * FROM __InstanceModificationEvent WITHIN 2 WHERE TargetInstance ISA 'Msvm_ComputerSystem'";
  const events = connection.subscribe(v2, wql, stop.signal);
  t.same(await events.next(), { done: false, value: [] }, 'the host hears us');
  t.equal(simulator.open, 1);
  const next = events.next();
  const [reference] = await connection.queryReferences(v2, machines, soon());
  if (reference === undefined) throw new Error('no machine');
  await connection.invoke(reference, 'RequestStateChange', { RequestedState: 2 }, soon());
  const heard = await next;
  t.match(heard.value, [{ className: '__InstanceModificationEvent' }]);
  const [target] = (heard.value ?? [])[0]?.properties.get('TargetInstance') ?? [];
  t.match(target, { kind: 'embedded' });
  if (typeof target === 'object' && target.kind === 'embedded')
    t.same(
      ['Name', 'ElementName', 'EnabledState', 'ProcessID'].map((name) => target.properties.get(name)),
      [[reference.selectors['Name']], ['one'], ['10'], []],
    );
  stop.abort();
  t.match(await events.next(), { done: true });
  while (simulator.open > 0) await new Promise(setImmediate);
  t.ok(simulator.host.asked.includes('Unsubscribe'));
});

t.test('a subscription is renewed before its time is up, and what it would have told goes on to be heard', async (t) => {
  const simulator = await simulated(t, { maxExpiresMs: 3_000 });
  const connection = connected(t, simulator);
  const stop = new AbortController();
  const wql = "SELECT * FROM __InstanceCreationEvent WITHIN 2 WHERE TargetInstance ISA 'Msvm_ComputerSystem'";
  const events = connection.subscribe(v2, wql, stop.signal);
  await events.next();
  let page = events.next();
  const renewals = () => simulator.host.asked.filter((what) => what === 'Renew').length;
  while (renewals() < 3) {
    const quiet = await Promise.race([page, new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 50))]);
    if (quiet !== undefined) page = events.next();
  }
  await defined(connection, 'late');
  for (let heard = await page; heard.value?.length === 0; heard = await events.next());
  t.equal(simulator.host.asked.filter((what) => what.startsWith('Subscribe')).length, 1);
  stop.abort();
  await events.next();
});

/** A host that answers what it likes, without asking who we are. */
async function hostile(t: Test, answer: RequestListener, hear: (message: string) => void = () => {}): Promise<WsmanClient> {
  const server = createServer(async (request, response) => {
    hear(await text(request));
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return connected(t, { port: (server.address() as AddressInfo).port }, { kind: 'basic', username: 'a', password: 'b' });
}

const bomb = `<!DOCTYPE a [<!ENTITY b "${'x'.repeat(100)}"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>`;
const soapEnvelope = (body: string) =>
  `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>${body}</s:Body></s:Envelope>`;

const page = (kind: string) =>
  soapEnvelope(
    `<n:${kind}Response xmlns:n="http://schemas.xmlsoap.org/ws/2004/09/enumeration"><n:EnumerationContext>c</n:EnumerationContext></n:${kind}Response>`,
  );

t.test('a hostile reply is an error, and no more', async (t) => {
  for (const [reply, words] of [
    [bomb, /document type.*see what answers at the host's address/],
    ['<html/>', /no SOAP envelope; see what answers at the host's address/],
    [soapEnvelope(''), /holds no <EnumerateResponse>/],
    ['<s:Envelope', /makes no sense/],
    [`${'<a>'.repeat(5000)}`, /makes no sense/],
  ] as const)
    await t.rejects((await hostile(t, (_, response) => response.end(reply))).query(v2, machines, soon()), {
      code: 'Internal',
      message: words,
    });
  await t.rejects((await hostile(t, (_, response) => response.writeHead(404).end())).query(v2, machines, soon()), {
    code: 'Unavailable',
    message: /404: nothing listens under \/wsman/,
  });
});

t.test('a reply without an end is refused', async (t) => {
  const block = Buffer.alloc(2 ** 20, 'x');
  const connection = await hostile(t, (_, response) => {
    const more = () => {
      while (!response.destroyed) if (!response.write(block)) return void response.once('drain', more);
    };
    response.on('error', () => {});
    more();
  });
  await t.rejects(connection.query(v2, machines, soon()), { code: 'Internal', message: /longer than the 32 MiB/ });
});

t.test('a listing without an end is given up, and closed on the host', async (t) => {
  const asked: string[] = [];
  const connection = await hostile(
    t,
    (_, response) => response.end(page(asked.at(-1) ?? '')),
    (message) => asked.push(/\/(Enumerate|Pull|Release)</.exec(message)?.[1] ?? ''),
  );
  await t.rejects(connection.query(v2, machines, soon()), { code: 'Internal', message: /the list goes on for SELECT .*nothing is on it/ });
  await until(() => asked.includes('Release'));
});
