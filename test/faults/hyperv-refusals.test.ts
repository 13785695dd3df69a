import { readFile } from 'node:fs/promises';
import t from 'tap';
import type { Kinds } from '#crds/types.js';
import { connect, credentialKeys } from '#drivers/connect.js';
import { Simulator, type SimulatorOptions } from '#simulators/hyperv/simulator.js';
import { createAuthority, issue, type KeyPair } from '#test/cluster/certificates.js';
import { condition, useWorld } from '#test/cluster/world.js';
import { AssetsMissing } from '#test/peers/build.js';
import { Kdc, ticketAcceptor } from '#test/peers/kerberos/kdc.js';
import { HypervLab, isChange, namespace, user } from './hyperv-lab.js';
import { methods } from './hyperv-stage.js';
import { isReady } from './lab.js';

const world = await useWorld(t);
t.setTimeout(10 * 60_000);
await world.kubectl('create', 'namespace', namespace);
const folder = t.testdir();
const authority = await createAuthority(folder);
const text = async ({ cert, key }: KeyPair) => ({ cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') });
const server = async (name: string, options: { readonly days?: number; readonly names?: string } = {}) =>
  text(await issue(folder, name, `/CN=${name}`, 'serverAuth', options));
const [good, otherName, expired] = [
  await server('good'),
  await server('other', { names: 'DNS:other.example.org' }),
  await server('expired', { days: -1 }),
];
const client = await text(await issue(folder, 'client', '/CN=somebody', 'clientAuth'));
const ca = await readFile(authority.cert, 'utf8');

/** What Ready says, once it says so. */
async function says<K extends keyof Kinds>(kind: K, name: string, words: RegExp): Promise<void> {
  const told = (seen: Kinds[K]) => {
    const ready = condition(seen, 'Ready');
    return ready === undefined || ready.status === 'True' ? '' : `${ready.reason}: ${ready.message}`;
  };
  await world.until(kind, name, (seen) => words.test(told(seen)), { timeoutMs: 60_000 });
}

const login = { username: user.name, password: user.password };
const trusted = { ...login, 'ca.crt': ca };
const tls = { certificate: good };
const ways = (some: SimulatorOptions['ways']) => ({ ways: some ?? {} });

interface Refused {
  readonly host?: Partial<SimulatorOptions>;
  /** What follows the port; HTTP when left out. */
  readonly query?: string;
  readonly secret?: Readonly<Record<string, string>>;
  readonly told: RegExp;
}

const refusals: Readonly<Record<string, Refused>> = {
  'a wrong password': {
    secret: { ...login, password: 'wrong-hush' },
    told: /^Denied: .*refuses the login: check "username" .* locked or disabled, .* expired: the host does not tell which/,
  },
  'an account that is locked': { host: { users: [{ ...user, locked: true }] }, told: /^Denied: .*locked or disabled/ },
  'an account without the groups': {
    host: { users: [{ ...user, powerless: true }] },
    told: /^Denied: .*Access is denied.*"Remote Management Users" and "Hyper-V Administrators".*LocalAccountTokenFilterPolicy/,
  },
  'a host without Negotiate': {
    host: ways({ negotiate: false, basic: true }),
    told: /^Denied: .*does not take NTLM: it offers Basic; allow/,
  },
  'NTLM that a policy forbids': { host: ways({ ntlm: false }), told: /^Denied: .*a policy forbids NTLM there .*auth=kerberos/ },
  'a host without Basic': { host: tls, query: '/?auth=basic', secret: trusted, told: /^Denied: .*does not take Basic: .*Basic="true"/ },
  'a certificate of ours that nobody mapped': {
    host: { ...tls, ...ways({ certificate: true }) },
    query: '',
    secret: { 'ca.crt': ca, 'tls.crt': client.cert, 'tls.key': client.key },
    told: /^Denied: .*map the certificate "tls.crt" to an account/,
  },
  'a wrong password over TLS': {
    host: { ...tls, ...ways({ strictBinding: true }) },
    query: '',
    secret: { ...trusted, password: 'wrong-hush' },
    told: /^Denied: .*ends TLS, go around it.*CbtHardeningLevel/,
  },
  'a certificate that is not trusted': { host: tls, query: '', told: /^Denied: .*not trusted: put its authority into key "ca.crt"/ },
  'a certificate that is not the pinned one': {
    host: tls,
    query: '',
    secret: { ...login, sha256: '00'.repeat(32) },
    told: /^Denied: .*not the pinned 00:00/,
  },
  'a certificate for another name': {
    host: { certificate: otherName },
    query: '',
    secret: trusted,
    told: /^Denied: .*for another name: use that name in the URI/,
  },
  'a certificate that has expired': {
    host: { certificate: expired },
    query: '',
    secret: trusted,
    told: /^Denied: .*has expired: renew it/,
  },
  'a port that speaks no TLS': { query: '', secret: trusted, told: /^Unavailable: .*does not speak TLS: check the port/ },
  'a host without the role Hyper-V': {
    host: { without: true },
    told: /^Unsupported: .*neither root\/virtualization\/v2 nor .*install the role/,
  },
};

for (const mode of ['v2', 'v1'] as const)
  await t.test(`${mode}: each way of not being let in is told by the Hypervisor, with its remedy`, async (t) => {
    await using lab = await HypervLab.open({ mode });
    await using operator = await world.start({ connect, credentialKeys, hypervisors: ['hv1'], namespace });
    await world.apply(lab.secret(), lab.hypervisor());
    await world.until('Hypervisor', 'hv1', isReady);
    for (const [name, { host = {}, query = '/?transport=http', secret = login, told }] of Object.entries(refusals)) {
      await using simulator = await Simulator.start({ mode, folder: lab.folder, users: [user], ...host });
      await world.apply({ ...lab.secret(), stringData: { 'ca.crt': '', sha256: '', 'tls.crt': '', 'tls.key': '', ...secret } });
      await world.apply(lab.hypervisor({ uri: `hyperv://127.0.0.1:${simulator.port}${query}` }));
      await says('Hypervisor', 'hv1', told).catch((reason) => t.fail(`${name}: ${reason}`));
      t.same(simulator.host.asked.filter(isChange), [], name);
    }
    await world.apply(lab.secret(), lab.hypervisor({ uri: 'hyperv://127.0.0.1:1/?transport=http' }));
    await says('Hypervisor', 'hv1', /^Unavailable: .*nothing listens there.*on Windows: `winrm quickconfig`/);
    t.pass('nothing listens');
    lab.simulator.host.troubles.add('Enumerate', { kind: 'quota' });
    await world.apply(lab.hypervisor());
    await says('Hypervisor', 'hv1', /^Exhausted: .*winrm get winrm\/config/);
    lab.simulator.host.troubles.calm();
    await world.until('Hypervisor', 'hv1', isReady, { timeoutMs: 60_000 });
    t.notMatch(operator.troubles.join('\n'), /wrong-hush|w0rd/);

    await t.test('access denied to one method alone is told of the machine', async (t) => {
      lab.simulator.host.troubles.add(methods[mode].define, { kind: 'denied' });
      const machine = { kind: 'VirtualMachine', metadata: { name: 'bare', namespace: 'default' }, spec: { memory: { size: '64Mi' } } };
      await world.apply(machine);
      await says('VirtualMachine', 'bare', /^Denied: .*Access is denied.*"Hyper-V Administrators"/);
      t.equal(lab.simulator.host.machines.size, 0);
      lab.simulator.host.troubles.calm();
      await world.kubectl('annotate', 'virtualmachine', 'bare', 'again=now');
      await world.kubectl('patch', 'virtualmachine', 'bare', '--type=merge', '-p', '{"spec":{"cpu":{"count":2}}}');
      await world.until('VirtualMachine', 'bare', isReady, { timeoutMs: 60_000 });
      await world.remove('VirtualMachine', 'bare');
    });
    await world.remove('Hypervisor', 'hv1');
  });

await t.test('a ticket lets in, by password and by keytab, and what is wrong with one is told', async (t) => {
  const peers = await Promise.all([ticketAcceptor(), Kdc.start()]).catch((reason) => {
    if (!(reason instanceof AssetsMissing) || process.env['CI'] === 'true') throw reason;
    return reason;
  });
  if (peers instanceof AssetsMissing) return t.comment(`skipped: ${peers.message}`);
  const [acceptor, kdc] = peers;
  await using _kdc = kdc;
  await kdc.account('hv', 'a-w0rd');
  await using lab = await HypervLab.open({ mode: 'v2', users: [{ name: 'hv', password: 'unused' }], certificate: good, acceptor });
  await using _operator = await world.start({ connect, credentialKeys, hypervisors: ['hv1'], namespace });
  const given = { username: kdc.principal('hv'), 'ca.crt': ca, keytab: '' };
  const apply = (secret: Readonly<Record<string, string>>) =>
    world.apply(lab.secret({ ...given, ...secret }), lab.hypervisor({ uri: `hyperv://localhost:${lab.simulator.port}/?auth=kerberos` }));
  await apply({ password: 'wrong-hush' });
  await says('Hypervisor', 'hv1', /^Denied: .*no ticket by its password: the password is wrong: check "password" in the Secret/);
  await apply({ password: 'a-w0rd' });
  t.ok(await world.until('Hypervisor', 'hv1', isReady, { timeoutMs: 60_000 }));
  const keytab = (await kdc.keytab('hv')).toString('base64');
  await world.kubectl(
    'patch',
    'secret',
    'hv1',
    '-n',
    namespace,
    '--type=merge',
    '-p',
    JSON.stringify({ data: { keytab, password: null } }),
  );
  t.ok(await world.until('Hypervisor', 'hv1', isReady, { timeoutMs: 60_000 }));
  await world.remove('Hypervisor', 'hv1');
});
