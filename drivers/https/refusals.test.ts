import t from 'tap';
import { DriverError } from '#drivers/error.js';
import { Refusals } from './refusals.js';

const endpoint = { host: 'esx1', port: 443 };

t.test('a password that was refused is left alone for a while, and another is tried at once', async (t) => {
  let now = 0;
  let tries = 0;
  const refusals = new Refusals(
    ({ cause }) => cause === 'wrong',
    () => now,
  );
  const log = (password: string, cause = 'wrong') =>
    refusals.unlessRefused(endpoint, { username: 'root', password }, async () => {
      tries += 1;
      throw new DriverError('Denied', 'no', { cause });
    });
  const refused = async (password: string, cause?: string) => {
    await t.rejects(log(password, cause), { code: 'Denied' });
    return tries;
  };
  t.equal(await refused('hunter2'), 1);
  t.equal(await refused('hunter2'), 1);
  t.equal(await refused('hunter3'), 2);
  now = 4 * 60_000;
  t.equal(await refused('hunter2'), 2);
  now = 6 * 60_000;
  t.equal(await refused('hunter2'), 3, 'it may be right by now');
  t.equal(await refused('hunter4', 'no right'), 4);
  t.equal(await refused('hunter4', 'no right'), 5, 'and no other trouble is remembered');
  t.notMatch(JSON.stringify(refusals), /hunter/);
});

t.test('a clock that is set changes nothing of how long that is', async (t) => {
  const { now } = Date;
  t.teardown(() => {
    Date.now = now;
  });
  const refusals = new Refusals(() => true);
  let tries = 0;
  const log = () =>
    refusals.unlessRefused(endpoint, {}, async () => {
      tries += 1;
      throw new DriverError('Denied', 'no');
    });
  await t.rejects(log());
  Date.now = () => now() + 24 * 60 * 60_000;
  await t.rejects(log(), { message: /not tried again yet/ });
  t.equal(tries, 1);
});
