import { once } from 'node:events';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import t from 'tap';
import type { Advice } from './advice.js';
import { isGood, type Kept, renewed } from './certificate.js';
import { serveAdmission } from './server.js';

const name = 'virtwright-webhook.system.svc';
const year = 365 * 24 * 60 * 60_000;
const now = Date.now();

t.test('a certificate is replaced a third of its life before its end, and the one before is trusted for a while', async (t) => {
  const first = await renewed(name, undefined, now);
  t.ok(isGood(first, name, now));
  t.notOk(isGood(first, 'another.system.svc', now));
  t.ok(isGood(first, name, now + year / 2));
  t.notOk(isGood(first, name, now + year * 0.7));
  const next = await renewed(name, first, now + year * 0.7);
  t.equal(next.bundle, `${next.certificate.trim()}\n${first.certificate.trim()}\n`);
  const last = await renewed(name, next, now + year * 1.5);
  t.notMatch(last.bundle, first.certificate.trim());
  for (const broken of [{ certificate: 'none' }, { key: '' }, { bundle: '' }]) t.notOk(isGood({ ...first, ...broken }, name, now));
});

async function asked(port: number, { bundle }: Kept, body: string, method = 'POST') {
  const asking = request({ host: '127.0.0.1', port, method, ca: bundle, servername: name, path: '/advice', agent: false });
  asking.end(body);
  const [response] = await once(asking, 'response');
  return { code: response.statusCode as number, body: await text(response) };
}

t.test('it answers what an API server asks, and nothing else', async (t) => {
  const kept = await renewed(name, undefined, now);
  const told: unknown[] = [];
  let advice: Advice = { warnings: ['it waits'] };
  const advising = (kind: string, object: unknown) => {
    told.push([kind, object]);
    return advice;
  };
  await using server = await serveAdmission({ host: '127.0.0.1', port: 0, advise: advising });
  const review = JSON.stringify({ request: { uid: 'u', kind: { kind: 'VirtualMachine' }, object: { a: 1 } } });
  await t.rejects(asked(server.port, kept, review), 'it has no certificate yet');
  server.use(kept);
  const answer = JSON.parse((await asked(server.port, kept, review)).body) as { response: object };
  t.same(answer.response, { uid: 'u', allowed: true, warnings: ['it waits'] });
  t.same(told, [['VirtualMachine', { a: 1 }]]);
  advice = { warnings: [], refusal: 'never' };
  t.match(JSON.parse((await asked(server.port, kept, review)).body), {
    response: { uid: 'u', allowed: false, status: { code: 422, message: 'never' } },
  });
  for (const body of [
    '',
    '{',
    'null',
    '[]',
    '{"request":7}',
    '{"request":{"uid":1,"kind":{"kind":"x"}}}',
    '{"request":{"uid":"u","kind":null}}',
  ])
    t.equal((await asked(server.port, kept, body)).code, 400, body);
  t.equal((await asked(server.port, kept, '', 'GET')).code, 400);
  t.equal((await asked(server.port, kept, `"${'x'.repeat(9 * 1024 * 1024)}"`).catch(() => ({ code: 400 }))).code, 400, 'too long');
  t.equal((await asked(server.port, kept, review)).code, 200, 'and it goes on');
});
