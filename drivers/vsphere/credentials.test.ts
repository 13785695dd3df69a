import t from 'tap';
import { Credentials } from '#drivers/target.js';
import { decodeCredentials as decode } from './credentials.js';

const decodeCredentials = (values: Readonly<Record<string, string>>) =>
  decode(new Credentials(Object.entries(values).map(([key, value]) => [key, Buffer.from(value)])));

const login = { username: 'root', password: ' p a s s ' };
const digits = 'ab'.repeat(32);
const colons = Array(32).fill('AB').join(':');

t.test('user and password are taken to the letter, and what else is there is left', async (t) => {
  t.same(decodeCredentials({ ...login, other: 'x', 'ca.crt': '', sha256: ' ' }), login);
});

t.test('a fingerprint is read with and without colons', async (t) => {
  for (const sha256 of [digits, digits.toUpperCase(), colons, `SHA256:${digits}`, `sha256=${colons}\n`])
    t.equal(decodeCredentials({ ...login, sha256 }).sha256, colons);
});

const broken = '-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----';
for (const [what, secret, key] of [
  ['an empty Secret', {}, 'username'],
  ['a password with a line break', { ...login, password: 'hunter2\n' }, 'password'],
  ['no password', { username: 'root' }, 'password'],
  ['an empty user', { ...login, username: ' ' }, 'username'],
  ['a SHA-1', { ...login, sha256: 'hunter2'.padEnd(40, 'a') }, 'sha256'],
  ['no certificate', { ...login, 'ca.crt': 'hunter2' }, 'ca.crt'],
  ['a broken certificate', { ...login, 'ca.crt': broken }, 'ca.crt'],
] as const)
  t.test(`${what} is refused by key, and no value is quoted`, async (t) => {
    const message = new RegExp(`^credentials: key "${key}"(?!.*hunter2)`);
    t.throws(() => decodeCredentials(secret), { code: /^(Denied|Invalid)$/, message });
  });
