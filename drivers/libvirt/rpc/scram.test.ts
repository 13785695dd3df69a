import fc from 'fast-check';
import t from 'tap';
import { Scram } from './scram.js';

const nonce = 'rOprNGfwEbeRWgbNEkqO';
const theirs = `${nonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0`;
const challenge = `r=${theirs},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`;
const example = () => new Scram('SCRAM-SHA-256', { username: 'user', password: 'pencil' }, nonce);

t.test('the exchange is that of RFC 7677', async (t) => {
  const scram = example();
  t.equal(scram.first(), `n,,n=user,r=${nonce}`);
  t.equal(await scram.next(challenge), `c=biws,r=${theirs},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`);
  t.notOk(scram.isVerified);
  t.equal(await scram.next('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='), undefined);
  t.ok(scram.isVerified);
});

t.test('a name keeps its commas and equal signs', async (t) => {
  t.match(new Scram('SCRAM-SHA-512', { username: 'a=b,c', password: 'p' }).first(), /^n,,n=a=3Db=2Cc,r=.{32}$/);
});

t.test('who does not know the password does not pass for the host', async (t) => {
  for (const [said, message] of [
    ['v=AAAA', /does not know the password/],
    [`v=${Buffer.alloc(32).toString('base64')}`, /does not know the password/],
    ['', /does not know the password/],
    ['e=other-error', /the host says "other-error"/],
  ] as const) {
    const scram = example();
    await scram.next(challenge);
    await t.rejects(scram.next(said), { name: 'ScramError', message });
    t.notOk(scram.isVerified);
  }
});

t.test('a challenge that helps to guess the password, or keeps us busy, is not answered', async (t) => {
  for (const [said, message] of [
    [challenge.replace('4096', '1'), /1 iterations were asked for; accepted: 4096 to 1000000/],
    [challenge.replace('4096', '99999999'), /99999999 iterations/],
    [challenge.replace('4096', '4096e9'), /0 iterations/],
    [challenge.replace(`r=${theirs}`, `r=${nonce}`), /the nonce of the host is not made of ours/],
    [challenge.replace(nonce, 'another'), /the nonce of the host/],
  ] as const)
    await t.rejects(example().next(said), { name: 'ScramError', message });
});

t.test('whatever is said, nobody is taken for the host by chance', async () => {
  const said = fc.string({ unit: fc.constantFrom(...'rsivem=,AB4096 ', nonce), maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(said, said, async (one, other) => {
      const scram = example();
      await Promise.resolve(scram.next(one))
        .then(() => scram.next(other))
        .catch(() => {});
      return !scram.isVerified;
    }),
  );
});
