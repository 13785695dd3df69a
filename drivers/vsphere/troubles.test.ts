import { randomUUID } from 'node:crypto';
import t from 'tap';
import type { Driver, MachineDefinition } from '#drivers/driver.js';
import { credentialsOf, useVcsim } from '#test/peers/vsphere/vcsim.js';
import { answers, cuts, edits, faults, inEnvelope, losesReply, startProxy, type Trouble } from '#test/servers/vsphere-proxy.js';
import { connectVsphereDriver } from './driver.js';
import { usualPace } from './soap/tasks.js';

const soon = () => AbortSignal.timeout(30_000);
const vcsim = await useVcsim(t, { mode: 'esx', datastores: 2 });
const vcenter = await useVcsim(t, { mode: 'vcenter' });
const proxy = await startProxy(vcsim);
t.teardown(() => proxy[Symbol.asyncDispose]());
t.afterEach(() => proxy.calm());

const uri = `esx://127.0.0.1:${proxy.port}`;
const secret = { username: vcsim.username, password: vcsim.password, 'ca.crt': vcsim.ca };
const connect = (change: Readonly<Record<string, string>> = {}, to = uri) =>
  connectVsphereDriver(to, credentialsOf({ ...secret, ...change }), { signal: soon(), pace: { ...usualPace, tries: [1, 1] } });
const count = (operation: string) => proxy.asked.filter((one) => one === operation).length;

const mark = { owner: { cluster: 'c', namespace: 'shop', name: 'web', uid: 'u' }, record: '' };
const definition = (change: Partial<MachineDefinition> = {}): MachineDefinition => {
  const uuid = randomUUID();
  const shape = { cpuCount: 1, memoryBytes: 64 << 20, disks: [], interfaces: [], serial: false, rng: false };
  return { uuid, nativeName: `shop.${uuid.slice(0, 8)}`, ...shape, ...change };
};
const ofUuid = async (driver: Driver, uuid: string) => (await driver.machines.list(soon())).filter((one) => one.uuid === uuid);

t.test('what an administrator got wrong is told when connecting', async (t) => {
  const other = vcsim.sha256.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
  await t.rejects(connect({ sha256: other }), { code: 'Denied', message: /not the pinned .*key "sha256" of the Secret/ });
  await t.rejects(connect({ 'ca.crt': vcenter.ca }), { code: 'Denied', message: /certificate is not trusted.*"ca.crt"/ });
  await t.rejects(connect({ username: '' }), { code: 'Denied', message: /key "username" of the Secret/ });
  await t.rejects(connect({}, `vpx://127.0.0.1:${proxy.port}/DC0/C0`), { code: 'Invalid', message: /scheme "vpx:" was given.*use "esx:"/ });
  const there = { username: vcenter.username, password: vcenter.password, 'ca.crt': vcenter.ca };
  const at = (path: string) => connect(there, `vpx://127.0.0.1:${vcenter.port}/${path}`);
  await t.rejects(at('DC1/C0'), { code: 'Invalid', message: /no "DC1" at the root of the inventory; there is "DC0"/ });
  await t.rejects(at('DC0/C0'), { code: 'Invalid', message: /no "C0" in "DC0"; there is .*"DC0_C0"/ });
  await t.rejects(at('DC0/DC0_C0/H9'), { code: 'Invalid', message: /no "H9" in "DC0\/DC0_C0"; there is "DC0_C0_H0"/ });
  await t.rejects(connect(there, `esx://127.0.0.1:${vcenter.port}`), { code: 'Invalid', message: /scheme "esx:" was given.*use "vpx:"/ });
});

t.test('a wrong password is told, and not tried again and again', async (t) => {
  const logins = count('Login');
  const password = `wrong ${randomUUID()}`;
  await t.rejects(connect({ password }), { code: 'Denied', message: /check "username" and "password" in the Secret/ });
  await t.rejects(connect({ password }), { code: 'Denied', message: /not tried again yet, as that could lock the account/ });
  t.equal(count('Login'), logins + 1);
  await (await connect())[Symbol.asyncDispose]();
  t.equal(count('Login'), logins + 2, 'another password is');
});

t.test('a machine whose making was never heard of is found, not made twice', async (t) => {
  await using driver = await connect();
  for (const trouble of [losesReply, cuts]) {
    const wanted = definition();
    proxy.trouble('CreateVM_Task', trouble, 1);
    await t.rejects(driver.machines.define(wanted, mark, soon()), { code: 'Unavailable', message: /may still be at what was asked/ });
    const id = await driver.machines.define(wanted, mark, soon());
    t.match(await ofUuid(driver, wanted.uuid), [{ id }]);
    t.equal((await ofUuid(driver, wanted.uuid)).length, 1);
  }
});

t.test('a start, an edit and an end whose replies are lost are done once', async (t) => {
  await using driver = await connect();
  const wanted = definition();
  const id = await driver.machines.define(wanted, mark, soon());
  const twice = async (operation: string, act: () => Promise<unknown>) => {
    proxy.trouble(operation, losesReply, 1);
    await t.rejects(act(), { code: 'Unavailable' }, operation);
    const before = count(operation);
    await act();
    t.equal(count(operation), before, `${operation} is not asked for again`);
  };
  await twice('ReconfigVM_Task', () => driver.machines.define({ ...wanted, cpuCount: 2 }, mark, soon()));
  await twice('PowerOnVM_Task', () => driver.power.start(id, { paused: false }, soon()));
  await twice('SuspendVM_Task', () => driver.power.pause(id, soon()));
  await twice('PowerOnVM_Task', () => driver.power.resume(id, soon()));
  await twice('PowerOffVM_Task', () => driver.power.cut(id, mark.owner, soon()));
  await twice('Destroy_Task', () => driver.machines.undefine(id, mark.owner, { keepState: false }, soon()));
});

t.test('a session that expires in the midst of it costs nothing', async (t) => {
  await using driver = await connect();
  for (const operation of ['FindAllByUuid', 'CreateVM_Task', 'RetrievePropertiesEx', 'PowerOnVM_Task']) {
    proxy.trouble(operation, faults('NotAuthenticated'), 1);
    const id = await driver.machines.define(definition(), mark, soon());
    await driver.power.start(id, { paused: false }, soon());
    t.match((await driver.machines.read([id], soon())).machines, [{ power: { state: 'On' } }], operation);
  }
});

t.test('somebody else who is at it is waited for, and told in the end', async (t) => {
  await using driver = await connect();
  const id = await driver.machines.define(definition(), mark, soon());
  proxy.trouble('PowerOnVM_Task', faults('TaskInProgress', 'The operation is not allowed in the current state.'), 2);
  await driver.power.start(id, { paused: false }, soon());
  await driver.power.cut(id, mark.owner, soon());
  proxy.trouble('PowerOnVM_Task', faults('TaskInProgress'));
  await t.rejects(driver.power.start(id, { paused: false }, soon()), { code: 'Busy', message: /another task is under way/ });
});

t.test('a change that somebody else was faster with is made anew, from what is there now', async (t) => {
  await using driver = await connect();
  const wanted = definition();
  const id = await driver.machines.define(wanted, mark, soon());
  proxy.trouble('ReconfigVM_Task', faults('ConcurrentAccess'), 1);
  const reads = count('RetrievePropertiesEx');
  await driver.machines.define({ ...wanted, cpuCount: 2 }, mark, soon());
  t.match((await driver.machines.read([id], soon())).machines, [{ configured: { cpuCount: 2 } }]);
  t.ok(count('RetrievePropertiesEx') > reads + 4);
});

const failing = (type: string, said: string): Trouble =>
  edits((body) =>
    body.replace(
      /<state>success<\/state>/,
      `<state>error</state><error><fault xsi:type="${type}"/><localizedMessage>${said}</localizedMessage></error>`,
    ),
  );

t.test('a task that fails says why, in its own words', async (t) => {
  await using driver = await connect();
  proxy.trouble('RetrievePropertiesEx', async (asked) =>
    asked.body.includes('<pathSet>info</pathSet>') ? failing('NoDiskSpace', 'There is not enough space.')(asked) : asked.forward(),
  );
  await t.rejects(driver.machines.define(definition(), mark, soon()), {
    code: 'Exhausted',
    message: /There is not enough space. \(NoDiskSpace\): free something/,
  });
});

t.test('the free licence of ESXi is told in words, and published as nothing that can be asked', async (t) => {
  const licences = `<val xsi:type="ArrayOfLicenseManagerLicenseInfo"><LicenseManagerLicenseInfo><editionKey>esxBasic</editionKey></LicenseManagerLicenseInfo></val>`;
  await using driver = await connect();
  proxy.trouble(
    'CreateVM_Task',
    faults('RestrictedVersion', 'Current license or ESXi version prohibits execution of the requested operation.'),
  );
  await t.rejects(driver.machines.define(definition(), mark, soon()), {
    code: 'Unsupported',
    message: /free ESXi licence makes the API read-only/,
  });
  t.ok((await driver.host.describe(soon())).capabilities.length > 0);
  proxy.trouble('RetrievePropertiesEx', async ({ body, forward }) => {
    const answer = await forward();
    return body.includes('<pathSet>licenses</pathSet>') ? { ...answer, body: answer.body.replace(/<val.*<\/val>/s, licences) } : answer;
  });
  t.same((await driver.host.describe(soon())).capabilities, []);
});

t.test('bad definitions are refused in words', async (t) => {
  await using driver = await connect();
  const [pool] = (await driver.pools?.list(soon())) ?? [];
  if (pool === undefined) throw new Error('no datastore');
  const disk = (location: string) => ({ disks: [{ name: 'root', location, format: 'Vmdk' as const }] });
  for (const [change, code, words] of [
    [disk('[nowhere] virtwright/a.vmdk'), 'NotFound', /no datastore "nowhere" that is accessible; it has "LocalDS_0", "LocalDS_1"/],
    [disk(`${pool.path} virtwright/never-was.vmdk`), 'NotFound', /FileNotFound|never-was/],
    [disk('/var/lib/a.img'), 'Invalid', /"\[datastore\] folder\/disk.vmdk"/],
    [{ disks: [{ name: 'root', location: '[a] b.vmdk', format: 'Qcow2' }] }, 'Invalid', /format: Qcow2 was given; accepted: Vmdk/],
    [{ memoryBytes: 65 << 20 }, 'Invalid', /multiples of 4 MiB/],
    [{ rng: true }, 'Unsupported', /devices.rng/],
    [{ interfaces: [{ name: 'lan', network: 'x', model: 'Virtio' }] }, 'Invalid', /model: Virtio was given; accepted: Vmxnet3, E1000e/],
  ] as const satisfies readonly (readonly [Partial<MachineDefinition>, string, RegExp])[]) {
    const wanted = definition(change);
    await t.rejects(driver.machines.define(wanted, mark, soon()), { name: 'DriverError', code, message: words });
    t.same(await ofUuid(driver, wanted.uuid), []);
  }
});

t.test('a guest id that the host does not know is told', async (t) => {
  await using driver = await connect();
  const wanted = definition();
  await driver.machines.define(wanted, mark, soon());
  const odd = { ...wanted, vsphere: { guestId: 'noSuchGuest' } };
  await t.rejects(driver.machines.define(odd, mark, soon()), { code: 'Invalid', message: /invalidProperty "configSpec.guestId"/ });
});

t.test('a port group that is not there is told when the machine starts', async (t) => {
  await using driver = await connect();
  const id = await driver.machines.define(definition({ interfaces: [{ name: 'lan', network: 'nowhere' }] }), mark, soon());
  const has = ((await driver.networks?.list(soon())) ?? []).map(({ nativeName }) => nativeName);
  t.ok(has.length > 0);
  await t.rejects(driver.power.start(id, { paused: false }, soon()), {
    code: 'NotFound',
    message: new RegExp(`no port group "nowhere"; it has "${has[0]}"`),
  });
});

t.test('two machines of one uuid are refused, and so is a name that a real host finds taken', async (t) => {
  await using driver = await connect();
  const { uuid, nativeName } = definition();
  const twice = '<returnval type="VirtualMachine">vm-1</returnval><returnval type="VirtualMachine">vm-2</returnval>';
  proxy.trouble('FindAllByUuid', answers(inEnvelope(`<FindAllByUuidResponse xmlns="urn:vim25">${twice}</FindAllByUuidResponse>`)), 1);
  await t.rejects(driver.machines.define(definition({ uuid }), mark, soon()), {
    code: 'Conflict',
    message: /2 machines have it \(vm-1, vm-2\)/,
  });
  proxy.trouble('CreateVM_Task', faults('DuplicateName', 'The name already exists.', `<name>${nativeName}</name>`));
  await t.rejects(driver.machines.define(definition({ nativeName }), mark, soon()), {
    code: 'Conflict',
    message: /The name already exists.*name "shop/,
  });
});

t.test('a hostile host is refused, and takes neither memory nor time', async (t) => {
  const bomb = `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>${inEnvelope('&b;').slice(38)}`;
  proxy.trouble('RetrieveServiceContent', answers(bomb), 1);
  await t.rejects(connect(), { code: 'Internal', message: /document type declaration is not accepted/ });
  proxy.trouble('RetrieveServiceContent', answers(inEnvelope('x'.repeat(100 * 2 ** 20))), 1);
  await t.rejects(connect(), { code: 'Internal', message: /reply to RetrieveServiceContent is longer than the 64 MiB accepted/ });
  proxy.trouble('RetrieveServiceContent', answers('<html>', 502), 1);
  await t.rejects(connect(), { code: 'Unavailable', message: /502: the management service behind the proxy does not answer/ });
});

t.test('what a machine has that is not ours is left alone', async (t) => {
  await using driver = await connect();
  const id = await driver.machines.define(definition(), mark, soon());
  proxy.trouble(
    'RetrievePropertiesEx',
    edits((body) => body.replaceAll('>io.virtwright<', '>com.example.backup<')),
  );
  await t.rejects(driver.machines.mark(id, { ...mark, record: 'x' }, mark.owner, soon()), {
    code: 'NotOurs',
    message: /managed by com.example.backup/,
  });
});

t.test('a machine with snapshots is not forgotten', async (t) => {
  await using driver = await connect();
  const wanted = definition();
  const id = await driver.machines.define(wanted, mark, soon());
  proxy.trouble(
    'RetrievePropertiesEx',
    edits((body) => body.replace('</propSet>', '</propSet><propSet><name>snapshot</name><val><rootSnapshotList/></val></propSet>')),
  );
  await t.rejects(driver.machines.undefine(id, mark.owner, { keepState: false }, soon()), {
    code: 'Conflict',
    message: /has snapshots.*delete the snapshots first/,
  });
  proxy.calm();
  t.match(await ofUuid(driver, wanted.uuid), [{ id }]);
});

t.test('a machine whose files cannot be read hides no other', async (t) => {
  await using driver = await connect();
  const [bad, good] = [await driver.machines.define(definition(), mark, soon()), await driver.machines.define(definition(), mark, soon())];
  proxy.trouble('RetrievePropertiesEx', async ({ forward }) => {
    const answer = await forward();
    const broken = new RegExp(`(>${bad}</obj>.*?)>connected<`, 's');
    return { ...answer, body: answer.body.replace(broken, '$1>inaccessible<') };
  });
  const { machines, unread } = await driver.machines.read([bad, good], soon());
  t.match(machines, [{ id: good }]);
  t.match(unread, [{ glance: { id: bad }, reason: { code: 'Unavailable', message: /is inaccessible: its files cannot be read/ } }]);
});
