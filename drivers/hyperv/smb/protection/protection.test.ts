import fc from 'fast-check';
import t from 'tap';
import * as windows from '#test/golden/hyperv/smb.js';
import { encodeHeader } from '../header.js';
import { cmac } from './cmac.js';
import { Preauth, sessionKeys } from './keys.js';
import { ciphers, Sealer } from './sealing.js';
import { sealedBy, signedBy } from './session.js';
import { Signer, signings } from './signing.js';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const sixteen = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes));

t.test('AES-CMAC is what RFC 4493 says', async (t) => {
  const key = hex('2b7e151628aed2a6abf7158809cf4f3c');
  const text = hex(`6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51
    30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710`);
  for (const [length, code] of [
    [0, 'bb1d6929e95937287fa37d129b756746'],
    [16, '070a16b46b4d4144f79bdd9dd04a287c'],
    [40, 'dfa66747de9ae63030ca32611497c827'],
    [64, '51f0bebf7e3b9d92fc49741779363cfe'],
  ] as const)
    t.equal(cmac(key, text.subarray(0, length)).toString('hex'), code);
});

t.test('the keys of a session are those that Microsoft shows for 3.0', async (t) => {
  const keys = sessionKeys(hex('7CD451825D0450D235424E44BA6E78CC'), undefined, 128);
  t.equal(keys.signing.toString('hex'), '0b7e9c5cac36c0f6ea9ab275298cedce');
  t.equal(keys.sealing.toString('hex'), 'fad27796665b313ebb578f388632b4f7');
  t.equal(keys.opening.toString('hex'), 'b0f0427f7ceb416d1d9dcc0cd4f99447');
});

t.test('what was said before the login becomes the keys that Microsoft shows for 3.1.1', async (t) => {
  const preauth = new Preauth();
  preauth.hash = windows.preauthBefore;
  preauth.add(windows.lastRequest);
  t.same(preauth.hash, windows.preauthAfter);
  const keys = sessionKeys(windows.sessionKeys['3.1.1'], preauth.hash, 128);
  t.equal(keys.signing.toString('hex'), '73fe7a9a77bef0bde49c650d8ccb5f76');
  t.equal(keys.sealing.toString('hex'), '629bcbc54422a0f572b97f45989b6073');
  t.equal(keys.opening.toString('hex'), 'e2af0dcefac68da71a0dfbd0d1350d74');
});

t.test('an answer that Windows signed is known by its signature, and a changed one is not', async (t) => {
  const signer = new Signer(hex('73FE7A9A77BEF0BDE49C650D8CCB5F76'), signings.aesCmac);
  const packet = windows.lastAnswer;
  signer.check(packet);
  for (const at of [0, 8, 16, 30, 48, 70, packet.length - 1]) {
    const changed = Buffer.from(packet);
    changed[at] = (changed[at] ?? 0) ^ 1;
    t.throws(() => signer.check(changed), { code: 'Denied', message: /does not bear the signature/ }, `byte ${at}`);
  }
});

t.test('an answer that Windows sealed is opened, and a changed one is not', async (t) => {
  const keys = sessionKeys(windows.sessionKeys['3.0'], undefined, 128);
  const ccm = ciphers.find(({ name }) => name === 'aes-128-ccm');
  if (ccm === undefined) throw new Error('no CCM');
  const sealer = new Sealer(ccm, keys, 0x8e40014000011n);
  t.same(sealer.open(windows.sealedAnswer), windows.writeAnswer);
  for (const at of [4, 20, 52, 80]) {
    const changed = Buffer.from(windows.sealedAnswer);
    changed[at] = (changed[at] ?? 0) ^ 1;
    t.throws(() => sealer.open(changed), { code: 'Denied', message: /not sealed with the keys/ }, `byte ${at}`);
  }
  t.throws(() => new Sealer(ccm, keys, 1n).open(windows.sealedAnswer), { code: 'Internal', message: /of another session/ });
  t.throws(() => sealer.open(windows.sealedAnswer.subarray(0, 60)), { code: 'Internal', message: /says 80/ });
  t.throws(() => sealer.open(windows.sealedAnswer.subarray(0, 40)), { code: 'Internal' });
});

const header = { command: 8, charge: 1, credits: 1, messageId: 5, treeId: 1, sessionId: 9n };

t.test('what one end seals the other opens, by each cipher, and never twice the same', async (t) => {
  for (const cipher of ciphers)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ minLength: 64, maxLength: 64 }), (content, key) => {
        const [one, two] = [Buffer.from(key.subarray(0, cipher.bits / 8)), Buffer.from(key.subarray(32, 32 + cipher.bits / 8))];
        const ours = new Sealer(cipher, { sealing: one, opening: two }, 7n);
        const theirs = new Sealer(cipher, { sealing: two, opening: one }, 7n);
        const [first, again] = [ours.seal(Buffer.from(content)), ours.seal(Buffer.from(content))];
        return !first.equals(again) && theirs.open(first).equals(content) && theirs.open(again).equals(content);
      }),
    );
  t.equal(ciphers.length, 4);
});

t.test('what one end signs the other knows, by each signature', async (t) => {
  for (const signing of Object.values(signings))
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), sixteen, fc.nat(), (content, key, changed) => {
        const packet = new Signer(key, signing).sign(Buffer.concat([encodeHeader(header), content]));
        new Signer(key, signing).check(packet);
        const other = Buffer.from(packet);
        other[changed % packet.length] = (other[changed % packet.length] ?? 0) ^ 0x40;
        try {
          new Signer(key, signing).check(other);
          return false;
        } catch {
          return true;
        }
      }),
    );
  t.equal(Object.values(signings).length, 3);
});

const answerWith = (status: number, flags: number): Buffer => {
  const packet = Buffer.concat([encodeHeader(header), Buffer.alloc(8)]);
  packet.writeUInt32LE(status, 8);
  packet.writeUInt32LE(flags, 16);
  return packet;
};

t.test('of what is not signed a session takes but that something takes its time', async (t) => {
  const session = signedBy(new Signer(Buffer.alloc(16, 1), signings.aesCmac));
  t.throws(() => session.open(answerWith(0, 1)), { code: 'Denied' });
  t.throws(() => session.open(answerWith(0xc0000022, 1)), { code: 'Denied' });
  t.throws(() => session.open(answerWith(0x103, 1)), { code: 'Denied' }, 'which is said with a number of its own');
  t.ok(session.open(answerWith(0x103, 3)));
});

t.test('of what is not sealed a sealed session takes nothing', async (t) => {
  const [cipher] = ciphers;
  if (cipher === undefined) throw new Error('no cipher');
  const session = sealedBy(new Sealer(cipher, { sealing: Buffer.alloc(16), opening: Buffer.alloc(16) }, 7n));
  t.throws(() => session.open(answerWith(0x103, 3)), { code: 'Denied', message: /anybody could have written/ });
});
