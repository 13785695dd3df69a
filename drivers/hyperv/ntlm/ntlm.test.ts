import { createHash } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { challenged, loggedIn } from '#simulators/hyperv/http/ntlm-login.js';
import { channelBindings, contextOf, NtlmClient } from './client.js';
import { prove, responseKey, utf16 } from './keys.js';
import { md4 } from './md4.js';
import { avIds, decodePairs, encodeChallenge, encodePairs, flags, wanted } from './messages.js';
import { Rc4 } from './rc4.js';
import { Sealing } from './sealing.js';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

t.test('MD4 is what RFC 1320 says', async (t) => {
  for (const [text, digest] of [
    ['', '31d6cfe0d16ae931b73c59d7e0c089c0'],
    ['abc', 'a448017aaf21d8525fc10ae87aa6729d'],
    ['message digest', 'd9130a8164549fe818874806e1c7014b'],
    ['1234567890'.repeat(8), 'e33b4ddc9c38f2199c3e7b164fcc0536'],
  ] as const)
    t.equal(md4(Buffer.from(text)).toString('hex'), digest);
});

t.test('RC4 is the one that everybody has', async (t) => {
  t.equal(new Rc4(Buffer.from('Key')).pass(Buffer.from('Plaintext')).toString('hex'), 'bbf316e8d940af0ad3');
  t.equal(new Rc4(Buffer.from('Wiki')).pass(Buffer.from('pedia')).toString('hex'), '1021bf0420');
});

// MS-NLMP 4.2.4
const account = { username: 'User', domain: 'Domain', password: 'Password' };
const targetInfo = hex('02000c0044006f006d00610069006e0001000c00530065007200760065007200 00000000');
const blob = Buffer.concat([hex('0101000000000000 0000000000000000 aaaaaaaaaaaaaaaa 00000000'), targetInfo, hex('00000000')]);

t.test('keys and proof are those of the specification', async (t) => {
  const key = responseKey(account);
  t.equal(key.toString('hex'), '0c868a403bfd7a93a3001ef22ef02e3f');
  const { proof, baseKey } = prove(key, hex('0123456789abcdef'), blob);
  t.equal(proof.toString('hex'), '68cd0ab851e51c96aabc927bebef6a1c');
  t.equal(baseKey.toString('hex'), '8de40ccadbc14a82f15cb0ad0de95ca3');
  t.equal(new Rc4(baseKey).pass(Buffer.alloc(16, 0x55)).toString('hex'), 'c5dad2544fc9799094ce1ce90bc9d03e');
});

t.test('a message is sealed as the specification seals it', async (t) => {
  const { sealed, signature } = new Sealing(Buffer.alloc(16, 0x55), 'client-to-server').seal(utf16('Plaintext'));
  t.equal(sealed.toString('hex'), '54e50165bf1936dc996020c1811b0f06fb5f');
  t.equal(signature.toString('hex'), '010000007fb38ec5c55d497600000000');
});

t.test('what one end seals the other opens, in its order and unchanged', async () =>
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      (messages, key) => {
        const [client, server] = [contextOf(Buffer.from(key), 'client'), contextOf(Buffer.from(key), 'server')];
        return messages.every((message) => {
          const there = client.outgoing.seal(message);
          const opened = server.incoming.open(there.signature, there.sealed);
          const back = server.outgoing.seal(opened);
          return opened.equals(message) && client.incoming.open(back.signature, back.sealed).equals(message);
        });
      },
    ),
  ),
);

t.test('a message that was changed, or came twice, is refused', async (t) => {
  const key = Buffer.alloc(16, 7);
  const [client, server] = [contextOf(key, 'client'), contextOf(key, 'server')];
  const { signature, sealed } = client.outgoing.seal(Buffer.from('start the machine'));
  server.incoming.open(signature, sealed);
  t.throws(() => server.incoming.open(signature, sealed), { code: 'Denied', message: /does not bear the signature/ });
  const next = client.outgoing.seal(Buffer.from('stop it'));
  const changed = contextOf(key, 'server');
  changed.incoming.open(signature, sealed);
  next.sealed[0] = (next.sealed[0] ?? 0) ^ 1;
  t.throws(() => changed.incoming.open(next.signature, next.sealed), { code: 'Denied' });
});

const users = [{ name: 'Administrator', password: 'päss"w0rd' }];
const known = { username: 'administrator', domain: '', password: 'päss"w0rd' };
const endpointHash = createHash('sha256').update('certificate').digest();

/** A whole login; `change` is done to our last message on its way. */
function login(who: typeof known, hash: Buffer | undefined, isStrict: boolean, change: (message: Buffer) => void = () => {}) {
  const client = new NtlmClient(who);
  const first = challenged(client.first, 'HOST');
  if (first === undefined) throw new Error('not challenged');
  const { message, context } = client.answer(first.message, hash === undefined ? {} : { endpointHash: hash });
  change(message);
  const done = loggedIn(first, message, users, { endpointHash, isStrict });
  return { context, done };
}

t.test('a login ends with keys that both have', async (t) => {
  const { context, done } = login(known, endpointHash, true);
  const { signature, sealed } = context.outgoing.seal(Buffer.from('hello'));
  t.equal(done?.context.incoming.open(signature, sealed).toString(), 'hello');
});

t.test('who is not known, or spoken for by somebody between, is not let in', async (t) => {
  t.notOk(login({ ...known, password: 'other' }, endpointHash, false).done);
  t.notOk(login({ ...known, username: 'nobody' }, endpointHash, false).done);
  t.notOk(login(known, createHash('sha256').update('other').digest(), false).done, 'another TLS connection');
  t.notOk(login(known, undefined, true).done, 'none, where it has to be said');
  t.ok(login(known, undefined, false).done);
  t.notOk(login(known, endpointHash, false, (message) => message.writeUInt32LE(0, 60)).done, 'flags that were changed');
});

t.test('a challenge that does not lead to sealing is refused, and so is nonsense', async (t) => {
  const challenge = { flags: wanted & ~flags.seal, challenge: Buffer.alloc(8), targetInfo: [] };
  t.throws(() => new NtlmClient(known).answer(encodeChallenge(challenge, 'H')), { code: 'Denied', message: /no NTLMv2 with sealing/ });
  t.throws(() => new NtlmClient(known).answer(Buffer.from('NTLMSSP\0')), { code: 'Denied', message: /none of NTLM's/ });
  const cut = encodeChallenge({ ...challenge, flags: wanted, targetInfo: [{ id: 1, value: utf16('HOST') }] }, 'H').subarray(0, -6);
  t.throws(() => new NtlmClient(known).answer(cut), { code: 'Denied', message: /cut off/ });
});

t.test('what a host says of itself is read back as it was written', async () =>
  fc.assert(
    fc.property(
      fc.array(
        fc.record({ id: fc.integer({ min: 1, max: 20 }), value: fc.uint8Array({ maxLength: 40 }).map((value) => Buffer.from(value)) }),
      ),
      (pairs) => {
        const read = decodePairs(encodePairs(pairs));
        return read.length === pairs.length && read.every(({ id, value }, at) => id === pairs[at]?.id && value.equals(pairs[at].value));
      },
    ),
  ),
);

t.test('the binding to a TLS connection is as RFC 5929 and Microsoft reckon it', async (t) => {
  t.equal(channelBindings(endpointHash).length, 16);
  t.notSame(channelBindings(endpointHash), channelBindings(createHash('sha256').update('x').digest()));
  t.equal(avIds.channelBindings, 10);
});
