import { once } from 'node:events';
import { request } from 'node:https';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import t from 'tap';
import type { Advice } from './advice.js';
import { isGood, type Kept, renewed } from './certificate.js';
import { serveAdmission } from './server.js';

const name = 'virtwright-webhook.system.svc';
const year = 365 * 24 * 60 * 60_000;
const now = Date.now();
const largestBytes = 4 * 1024 * 1024;

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
  t.equal((await asked(server.port, kept, `"${'x'.repeat(largestBytes)}"`).catch(() => ({ code: 400 }))).code, 400, 'too long');
  t.equal((await asked(server.port, kept, review)).code, 200, 'and it goes on');
});

const small = JSON.stringify({ request: { uid: 'u', kind: { kind: 'VirtualMachine' }, object: {} } });

/** A server that has a certificate, and whether it answers now. */
async function serving() {
  const kept = await renewed(name, undefined, now);
  const server = await serveAdmission({ host: '127.0.0.1', port: 0, advise: () => ({ warnings: [] }) });
  server.use(kept);
  const answers = async () => (await asked(server.port, kept, small).catch(() => undefined))?.code === 200;
  return { server, kept, answers };
}

async function until(what: () => Promise<boolean>): Promise<void> {
  while (!(await what())) await new Promise((resolve) => setTimeout(resolve, 10));
}

t.test('what many send at a time is held up to a bound, and what they leave is free again', async (t) => {
  const { server, kept, answers } = await serving();
  t.teardown(() => server[Symbol.asyncDispose]());
  const sending = Array.from({ length: 4 }, () => {
    const one = request({ host: '127.0.0.1', port: server.port, method: 'POST', ca: kept.bundle, servername: name, agent: false });
    one.on('error', () => {});
    one.write('x'.repeat(largestBytes));
    return one;
  });
  await until(async () => !(await answers()));
  t.notOk(
    sending.some(({ destroyed }) => destroyed),
    'those who came first go on',
  );
  for (const one of sending) one.destroy();
  await until(answers);
});

t.test('connections beyond some are not taken, and those that are left make room', async (t) => {
  const { server, answers } = await serving();
  t.teardown(() => server[Symbol.asyncDispose]());
  const idle = Array.from({ length: 32 }, () => connect(server.port, '127.0.0.1').on('error', () => {}));
  t.teardown(() => idle.forEach((one) => void one.destroy()));
  await Promise.all(idle.map((one) => once(one, 'connect')));
  t.notOk(await answers());
  for (const one of idle) one.destroy();
  await until(answers);
});
