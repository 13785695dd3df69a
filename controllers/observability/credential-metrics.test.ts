import { Registry } from 'prom-client';
import t from 'tap';
import { makeIdentity } from '../session/certificate.js';
import { createCredentialMetrics } from './credential-metrics.js';

const day = 24 * 3_600;
const token = (claims: unknown) => `Bearer e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.signature`;

function rig() {
  const registry = new Registry();
  const ends = async () =>
    Object.fromEntries(
      [...(await registry.metrics()).matchAll(/^virtwright_credential_\w+\{purpose="(\w+)"\} (\d+)$/gm)].map((found) => [
        `${found[1]}`,
        Number(found[2]),
      ]),
    );
  return { metrics: createCredentialMetrics(registry), ends };
}

t.test('the end of a certificate is told, and of what is none nothing', async (t) => {
  const { metrics, ends } = rig();
  metrics.showing('sessions', (await makeIdentity('agent')).certificate);
  const { sessions = 0 } = await ends();
  t.ok(sessions > Date.now() / 1_000 + 3_000 * day, 'years from now', { sessions });
  metrics.showing('sessions', 'no certificate');
  t.same(await ends(), {});
});

t.test('tokens are told of that nobody renews by himself', async (t) => {
  const { metrics, ends } = rig();
  metrics.showingToken(token({ iat: 1_000, exp: 1_000 + 30 * day }));
  t.same(await ends(), { client: 1_000 + 30 * day });
  for (const header of [
    token({ iat: 1_000, exp: 4_600 }),
    token({ exp: 4_600 }),
    token(null),
    token({ iat: 'x', exp: {} }),
    'Basic eDp5',
    '',
  ]) {
    metrics.showingToken(header);
    t.same(await ends(), {}, header);
  }
});
