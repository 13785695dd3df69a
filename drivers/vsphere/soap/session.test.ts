import t from 'tap';
import { child, elements, textOf } from '#drivers/xml/tree.js';
import { useVcsim, type Vcsim } from '#test/peers/vsphere/vcsim.js';
import { answers, cuts, edits, faults, inEnvelope, losesReply, startProxy, type VsphereProxy } from '#test/servers/vsphere-proxy.js';
import { currentTime, powerOff } from './operations.js';
import { along, type Properties, retrieve, retrieveOne, these } from './properties.js';
import { Session } from './session.js';
import { raw, text } from './types.js';

const soon = () => AbortSignal.timeout(30_000);
const vcsim = await useVcsim(t, { mode: 'vcenter', machines: 60 });
const proxy = await startProxy(vcsim);
t.teardown(() => proxy[Symbol.asyncDispose]());
t.afterEach(() => proxy.calm());

const open = (change: { readonly password?: string; readonly signal?: AbortSignal } = {}, { port }: Vcsim | VsphereProxy = proxy) => {
  const user = { username: vcsim.username, password: change.password ?? vcsim.password };
  return Session.open({ host: '127.0.0.1', port, trust: { sha256: vcsim.sha256 } }, user, change.signal ?? soon());
};

/** Looks at the host by a session of its own. */
const watcher = await open({}, vcsim);
t.teardown(() => watcher[Symbol.asyncDispose]());
const sessionManager = watcher.content.sessionManager;

async function sessions(): Promise<readonly string[]> {
  const found = await retrieveOne(watcher, sessionManager, ['sessionList'], soon());
  return elements(found?.element('sessionList'))
    .map((one) => textOf(child(one, 'key')) ?? '')
    .sort();
}

const keyOf = async (session: Session) =>
  textOf(child((await retrieveOne(session, sessionManager, ['currentSession'], soon()))?.get('currentSession', raw), 'key'));

const count = (operation: string) => proxy.asked.filter((one) => one === operation).length;

async function machinesOf(session: Session) {
  const [datacenter] = (await retrieveOne(session, session.content.rootFolder, ['childEntity'], soon()))?.refs('childEntity') ?? [];
  if (datacenter === undefined) throw new Error('no datacenter');
  const from = along(datacenter, { type: 'Datacenter', path: 'vmFolder' }, { type: 'Folder', path: 'childEntity' });
  // The simulator names what it has not, on every page but the first.
  return { type: 'VirtualMachine', paths: ['name', 'runtime.host', 'runtime.cleanPowerOff'], from };
}

t.test('a session is opened, used and closed, and leaves none behind', async (t) => {
  const before = await sessions();
  const session = await open();
  t.equal(session.content.about.apiType, 'VirtualCenter');
  t.equal((await sessions()).length, before.length + 1);
  t.match(await session.ask(currentTime, { type: 'ServiceInstance', value: 'ServiceInstance' }, {}, soon()), /^\d{4}-/);
  await session[Symbol.asyncDispose]();
  await session[Symbol.asyncDispose]();
  t.match(await session.closed, { code: 'Unavailable', message: /closed by us/ });
  await t.rejects(session.verify(soon()), { code: 'Unavailable', message: /closed by us/ });
  t.same(await sessions(), before);
});

t.test('a wrong password is told in words, is tried once, and quoted nowhere', async (t) => {
  const [before, logins] = [await sessions(), count('Login')];
  const reason = await open({ password: 'hunter2' }).catch((error) => error);
  t.match(reason, { name: 'DriverError', code: 'Denied', message: /check "username" and "password" in the Secret/ });
  t.notMatch(JSON.stringify([reason, reason.stack, `${reason.cause.stack}`]), /hunter2/);
  t.equal(count('Login'), logins + 1);
  t.same(await sessions(), before);
});

t.test('a session that the host forgot is opened again, once for all who ask, and what was asked is asked again', async (t) => {
  await using session = await open();
  const logins = count('Login');
  const dead = await keyOf(session);
  await terminate(dead);
  await Promise.all([1, 2, 3, 4, 5, 6].map(() => session.verify(soon())));
  t.equal(count('Login'), logins + 1);
  t.not(await keyOf(session), dead);
  t.equal(session.age, 2);
});

t.test('a host that has forgotten us and answers with properties missing is logged in to again', async (t) => {
  await using session = await open();
  await terminate(await keyOf(session));
  const found = await retrieveOne(session, session.content.rootFolder, ['name'], soon());
  t.equal(found?.get('name', text), 'Datacenters');
  t.equal(session.age, 2);
});

t.test('an empty answer makes sure that the host still knows us', async (t) => {
  await using session = await open();
  proxy.trouble('RetrievePropertiesEx', answers(inEnvelope('<RetrievePropertiesExResponse xmlns="urn:vim25"/>')), 1);
  proxy.trouble('CurrentTime', faults('NotAuthenticated'), 1);
  t.ok(await retrieveOne(session, session.content.rootFolder, ['name'], soon()));
  t.equal(session.age, 2);
});

t.test('a password that was changed meanwhile ends the session, after one try', async (t) => {
  const session = await open();
  proxy.trouble('CurrentTime', faults('NotAuthenticated'));
  proxy.trouble('Login', faults('InvalidLogin', 'Login failure'));
  const logins = count('Login');
  await Promise.all([1, 2, 3].map(() => t.rejects(session.verify(soon()), { code: 'Denied', message: /Login failure/ })));
  await t.rejects(session.verify(soon()), { code: 'Denied' });
  t.match(await session.closed, { code: 'Denied' });
  t.equal(count('Login'), logins + 1);
  await session[Symbol.asyncDispose]();
});

t.test('a host that never knows us is asked twice, not for ever', async (t) => {
  await using session = await open();
  proxy.trouble('CurrentTime', faults('NotAuthenticated', 'The session is not authenticated.'));
  const times = count('CurrentTime');
  await t.rejects(session.verify(soon()), { code: 'Unavailable', message: /session has expired/ });
  t.equal(count('CurrentTime'), times + 2);
});

t.test('whoever gives up while logging in leaves no session', async (t) => {
  const before = await sessions();
  const giveUp = new AbortController();
  let answered = Promise.resolve();
  proxy.trouble('Login', async ({ forward }) => {
    const answer = await forward();
    giveUp.abort(new Error('enough'));
    answered = new Promise((resolve) => setImmediate(resolve));
    await answered;
    return answer;
  });
  await t.rejects(open({ signal: giveUp.signal }), { code: 'TimedOut' });
  while ((await sessions()).length !== before.length) await new Promise(setImmediate);
  t.same(await sessions(), before);
});

t.test('connecting that fails half-way leaves no session', async (t) => {
  const before = await sessions();
  proxy.trouble(
    'Login',
    edits((body) => body.replaceAll('returnval>', 'other>')),
    1,
  );
  await t.rejects(open(), { code: 'Internal', message: /reply makes no sense: Login: returnval is missing/ });
  t.same(await sessions(), before);
  proxy.trouble('RetrieveServiceContent', cuts, 1);
  await t.rejects(open(), { code: 'Unavailable', message: /the connection broke/ });
});

t.test('a lost reply is asked for again where that is harmless, and told where it is not', async (t) => {
  await using session = await open();
  proxy.trouble('CurrentTime', losesReply, 1);
  await session.verify(soon());
  const [machine] = await retrieve(session, await machinesOf(session), soon());
  if (machine === undefined) throw new Error('no machine');
  proxy.trouble('PowerOffVM_Task', losesReply, 1);
  await t.rejects(session.ask(powerOff, machine.ref, {}, soon()), {
    code: 'Unavailable',
    message: /may still be at what was asked/,
  });
});

t.test('many objects are read page by page, in whatever prefixes they come', async (t) => {
  await using session = await open();
  const query = await machinesOf(session);
  const pages = count('ContinueRetrievePropertiesEx');
  const names = (found: readonly Properties[]) => found.map((one) => one.get('name', text));
  const found = names(await retrieve(session, query, soon()));
  t.equal(new Set(found).size, 120);
  t.equal(count('ContinueRetrievePropertiesEx'), pages + 1);
  proxy.trouble(
    'RetrievePropertiesEx',
    edits((body) =>
      body
        .replace(/<(\/?)(returnval|objects|propSet|name|val|obj)\b/g, '<$1v:$2')
        .replace('<soapenv:Body', '<soapenv:Body xmlns:v="urn:vim25"'),
    ),
  );
  t.same(names(await retrieve(session, query, soon())), found);
});

t.test('pages of a session that died between are read anew', async (t) => {
  await using session = await open();
  const machines = await retrieve(session, await machinesOf(session), soon());
  const from = these(machines.map((one) => one.ref));
  proxy.trouble('ContinueRetrievePropertiesEx', faults('NotAuthenticated'), 1);
  t.equal((await retrieve(session, { type: 'VirtualMachine', paths: ['name'], from }, soon())).length, 120);
});

t.test('what is gone is left out, and what may not be seen is told', async (t) => {
  await using session = await open();
  const gone = { type: 'VirtualMachine', value: 'vm-0' };
  t.same(await retrieve(session, { type: 'VirtualMachine', paths: ['name'], from: these([gone]) }, soon()), []);
  const missing = `<missingSet><path>name</path><fault><fault xsi:type="NoPermission"><object type="Folder">group-d1</object>
    <privilegeId>System.Read</privilegeId></fault><localizedMessage>Permission denied.</localizedMessage></fault></missingSet>`;
  proxy.trouble(
    'RetrievePropertiesEx',
    edits((body) => body.replace(/<propSet>.*<\/propSet>/s, missing)),
  );
  await t.rejects(retrieveOne(session, session.content.rootFolder, ['name'], soon()), {
    code: 'Denied',
    message: /Permission denied.*System.Read/,
  });
});

t.test('a signal that has ended asks nothing', async (t) => {
  await using session = await open();
  const times = count('CurrentTime');
  await t.rejects(session.ask(currentTime, { type: 'ServiceInstance', value: 'ServiceInstance' }, {}, AbortSignal.abort()), {
    code: 'TimedOut',
  });
  t.equal(count('CurrentTime'), times);
});

/** As an administrator, or half an hour of nothing, does it. */
async function terminate(key: string | undefined): Promise<void> {
  const { operation } = await import('./envelope.js');
  const { list, nothing } = await import('./types.js');
  await watcher.ask(operation('TerminateSession', { sessionId: list(text) }, nothing), sessionManager, { sessionId: [key ?? ''] }, soon());
}
