import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Simulator } from '#simulators/hyperv/simulator.js';
import { createAuthority, issue } from '#test/cluster/certificates.js';
import { skipWhereMissing } from '#test/peers/build.js';
import { Kdc, ticketAcceptor } from '#test/peers/kerberos/kdc.js';
import { WsmanClient } from '../client.js';
import { Lanes } from '../lanes.js';
import type { Login } from '../login.js';
import { serviceFailure } from './kinit.js';

t.setTimeout(120_000);
const folder = t.testdir();
const [acceptor, kdc] = await Promise.all([ticketAcceptor(), Kdc.start()]).catch((reason) => skipWhereMissing(t, reason));
t.teardown(() => kdc[Symbol.asyncDispose]());
const authority = await createAuthority(folder);
const server = await issue(folder, 'server', '/CN=hyperv', 'serverAuth');
const [ca = '', cert = '', key = ''] = await Promise.all([authority.cert, server.cert, server.key].map((path) => readFile(path, 'utf8')));
const soon = () => AbortSignal.timeout(30_000);
const password = 'p-w0rd-of-the-test';
await kdc.account('hv', password);
await kdc.account('stranger', password);
await kdc.account('disabled', password, '-allow_tix');
await kdc.account('expired', password, '-expire "2020-01-01"');
await kdc.account('oldword', password, '-pwexpire "2020-01-01"');

const namespaces = { v2: 'root/virtualization/v2', v1: 'root/virtualization' } as const;
type Mode = keyof typeof namespaces;
const modes = ['v2', 'v1'] as const;

async function host(t: Test, mode: Mode, ways: object = {}) {
  const simulator = await Simulator.start({
    mode,
    folder,
    users: [{ name: 'hv', password: 'x' }],
    certificate: { cert, key },
    acceptor,
    ways,
  });
  t.teardown(() => simulator[Symbol.asyncDispose]());
  const connect = (login: Login, name = 'localhost'): WsmanClient => {
    const client = new WsmanClient(new Lanes({ host: name, port: simulator.port, trust: { ca } }, login));
    t.teardown(() => client[Symbol.asyncDispose]());
    return client;
  };
  return { simulator, connect };
}

const by = (name: string, secret: string = password, how: 'password' | 'keytab' = 'password'): Login => ({
  kind: 'kerberos',
  principal: kdc.principal(name),
  by: how,
  secret,
});
// Others at the same time have tickets, too.
process.env['TMPDIR'] = await mkdtemp(join(tmpdir(), 'virtwright-kerberos-'));
t.teardown(() => rm(process.env['TMPDIR'] ?? '', { recursive: true, force: true }));
const machinesOf = (mode: Mode) => (client: WsmanClient) => client.query(namespaces[mode], 'SELECT * FROM Msvm_ComputerSystem', soon());

for (const mode of modes) {
  t.test(`${mode}: one is let in with a ticket, by a password or a keytab, and leaves no ticket behind`, async (t) => {
    const machines = machinesOf(mode);
    const { simulator, connect } = await host(t, mode);
    const cache = process.env['KRB5CCNAME'];
    t.equal((await machines(connect(by('hv')))).length, 1);
    const keytab = (await kdc.keytab('hv')).toString('base64');
    const client = connect(by('hv', keytab, 'keytab'));
    t.equal((await machines(client)).length, 1);
    const many = await Promise.all(Array.from({ length: 8 }, () => machines(client)));
    t.ok(many.every(({ length }) => length === 1));
    simulator.cut();
    await new Promise(setImmediate);
    t.equal((await machines(client)).length, 1, 'a new socket is logged in on');
    t.same(
      (await readdir(tmpdir())).filter((name) => name.startsWith('virtwright-tickets-')),
      [],
    );
    t.equal(process.env['KRB5CCNAME'], cache);
  });

  t.test(`${mode}: whoever gets no ticket, or one that is not taken, is told why, and what to do`, async (t) => {
    const machines = machinesOf(mode);
    const { connect } = await host(t, mode);
    const wrongKeytab = (await kdc.keytab('stranger')).toString('base64');
    for (const [login, message] of [
      [by('hv', 'wrong'), /no ticket by its password: the password is wrong: check "password"/],
      [by('nobody'), /knows no such account: check "username"/],
      [by('disabled'), /locked or disabled: unlock it/],
      [by('expired'), /the account has expired: extend it/],
      [by('oldword'), /password has expired: change it/],
      [by('hv', wrongKeytab, 'keytab'), /key "keytab" of the Secret has no key of that account/],
      [by('hv', Buffer.from('no keytab').toString('base64'), 'keytab'), /key "keytab" of the Secret/],
      [by('stranger'), /refuses the login: it does not take the ticket/],
    ] as const)
      await t.rejects(machines(connect(login)), { code: 'Denied', message }, String(message));
    await t.rejects(machines(connect(by('hv'), '127.0.0.1')), { code: 'Denied', message: /its full name in the domain/ });
    const { connect: toPlain } = await host(t, mode, { negotiate: false, basic: true });
    await t.rejects(machines(toPlain(by('stranger'))), { code: 'Denied', message: /does not take Kerberos: it offers Basic/ });
    t.match(serviceFailure('HTTP@hv1', 'Clock skew too great'), { code: 'Denied', message: /five minutes apart: set them by NTP/ });
  });
}

t.test('a domain that does not answer is tried again, and no password is told', async (t) => {
  await kdc.stop();
  for (const mode of modes) {
    const { connect } = await host(t, mode);
    const refused = await machinesOf(mode)(connect(by('hv'))).catch((reason) => reason);
    t.match(refused, { code: 'Unavailable', message: /no domain controller answers: check \/etc\/krb5.conf/ });
    t.notMatch(String(refused), new RegExp(password));
  }
});
