import type { IncomingMessage } from 'node:http';
import t from 'tap';
import { Uploads } from './uploads.js';

const upload = () => ({ request: {} as IncomingMessage, wanted: () => {} });
const soon = () => AbortSignal.timeout(10_000);

t.test('an upload waits until it is taken, is taken once, and ends as its volume does', async (t) => {
  const told: string[] = [];
  const uploads = new Uploads((uid) => void told.push(uid));
  t.equal(uploads.take('v'), undefined);
  const brought = upload();
  const ended = uploads.offer('v', brought, soon());
  t.same(told, ['v']);
  t.ok(uploads.isOffered('v'));
  t.ok(uploads.isUnderWay('v'));
  await t.rejects(uploads.offer('v', upload(), soon()), { code: 'Conflict' }, 'one at a time');
  const taken = uploads.take('v');
  t.equal(taken?.upload, brought);
  t.notOk(uploads.isOffered('v'));
  t.equal(uploads.take('v'), undefined);
  taken?.settle();
  await ended;
  t.notOk(uploads.isUnderWay('v'));
  const next = uploads.offer('v', upload(), soon());
  uploads.take('v')?.settle(new Error('too large'));
  await t.rejects(next, { message: 'too large' });
});

t.test('who leaves before it is taken is forgotten; what is taken ends with its content', async (t) => {
  const uploads = new Uploads(() => {});
  const leaving = new AbortController();
  const gone = uploads.offer('v', upload(), leaving.signal);
  leaving.abort();
  await t.rejects(gone, { code: 'TimedOut' });
  t.equal(uploads.take('v'), undefined);
  const late = new AbortController();
  const going = uploads.offer('v', upload(), late.signal);
  const taken = uploads.take('v');
  late.abort();
  taken?.settle(new Error('it broke'));
  await t.rejects(going, { message: 'it broke' });
});
