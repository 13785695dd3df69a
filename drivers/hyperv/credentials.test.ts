import t from 'tap';
import { Credentials } from '#drivers/target.js';
import { decodeCredentials } from './credentials.js';
import { parseHypervUri } from './uri.js';

const secret = (values: Readonly<Record<string, string>>) =>
  new Credentials(Object.entries(values).map(([key, value]) => [key, Buffer.from(value)] as const));
const [http, https] = [parseHypervUri('hyperv://hv1/?transport=http'), parseHypervUri('hyperv://hv1')];

t.test('an account of a domain is told from one of the host', async (t) => {
  const login = (username: string) => decodeCredentials(http, secret({ username, password: 'hunter2' })).login;
  t.same(login('Administrator'), { kind: 'ntlm', domain: '', username: 'Administrator', password: 'hunter2' });
  t.same(login('CORP\\me'), { kind: 'ntlm', domain: 'CORP', username: 'me', password: 'hunter2' });
  t.match(login('me@corp.example'), { domain: '', username: 'me@corp.example' });
});

t.test('by HTTPS the host is always verified, and a certificate may log in', async (t) => {
  const given = { username: 'me', password: 'hunter2', sha256: 'ab'.repeat(32) };
  t.match(decodeCredentials(https, secret(given)), { endpoint: { port: 5986, trust: { sha256: /^AB:AB/ } }, login: { kind: 'ntlm' } });
  t.same(decodeCredentials(http, secret(given)).endpoint, { host: 'hv1', port: 5985 });
  const mapped = decodeCredentials(https, secret({ 'tls.crt': 'C', 'tls.key': 'K\n' }));
  t.match(mapped, { endpoint: { trust: { client: { cert: 'C', key: 'K' } } }, login: { kind: 'certificate', cert: 'C', key: 'K' } });
});

t.test('whoever asks for Basic or Kerberos logs in by that, with a keytab before a password', async (t) => {
  const [basic, kerberos] = [parseHypervUri('hyperv://hv1/?auth=basic'), parseHypervUri('hyperv://hv1/?auth=kerberos')];
  const given = { username: 'me@CORP.EXAMPLE', password: 'hunter2', 'tls.crt': 'C', 'tls.key': 'K' };
  t.same(decodeCredentials(basic, secret(given)).login, { kind: 'basic', username: given.username, password: 'hunter2' });
  const by = (values: Readonly<Record<string, string>>) => decodeCredentials(kerberos, secret(values)).login;
  t.same(by(given), { kind: 'kerberos', principal: given.username, by: 'password', secret: 'hunter2' });
  t.match(by({ ...given, keytab: 'kt' }), { by: 'keytab', secret: Buffer.from('kt').toString('base64') });
  for (const username of ['me', 'CORP\\\\me', '-k@CORP', 'me@', 'a b@CORP'])
    t.throws(() => by({ ...given, username }), { code: 'Denied', message: /accepted: USER@REALM/ }, username);
});

t.test('what is missing is named, and no value told', async (t) => {
  for (const [values, why] of [
    [{}, /"username"/],
    [{ username: 'me' }, /"password"/],
    [{ username: 'me', password: 'hunter2\n' }, /"password" has a line break/],
    [{ username: 'me', password: 'hunter2', 'tls.crt': 'C' }, /but one/],
    [{ username: 'me', password: 'hunter2', 'ca.crt': 'x' }, /"ca.crt"/],
  ] as const) {
    t.throws(() => decodeCredentials(https, secret(values)), { message: why });
    try {
      decodeCredentials(https, secret(values));
    } catch (reason) {
      t.notMatch(String(reason), /hunter2/);
    }
  }
});
