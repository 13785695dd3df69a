import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { type KubectlArgs, runKubectl } from '#test/cluster/api-server.js';
import { findAssets } from '#test/cluster/assets.js';
import { until } from '#test/cluster/until.js';
import { skipWhereMissing } from '#test/peers/build.js';

const assets = await findAssets().catch((reason) => skipWhereMissing(t, reason));
// Seen from `dist/test/standalone/`.
const main = fileURLToPath(new URL('../../controllers/main.js', import.meta.url));

t.test('it says what an object will wait for, and refuses what can never be', { timeout: 120_000 }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'vw-standalone-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const child = spawn(process.execPath, [main, 'standalone', '--hypervisor', 'kvm2', '--data', folder, '--port', '0']);
  t.teardown(() => child.kill('SIGKILL'));
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const kubectl = (...args: KubectlArgs) => runKubectl(assets, { KUBECONFIG: line.replace(/.*KUBECONFIG=/, ''), HOME: folder }, args);
  const from = (name: string, source: string) => ({
    input: JSON.stringify({
      apiVersion: 'virtwright.io/v1alpha1',
      kind: 'StorageVolume',
      metadata: { name },
      spec: { size: '1Gi', source: { volumeRef: { name: source } } },
    }),
  });
  const created = (...more: readonly string[]) => kubectl('create', '-f', '-', ...more, from('a', 'b'));
  await until(async () => (await created('--dry-run=server')).stderr.includes('Warning: '));
  const first = await created();
  t.equal(first.code, 0);
  t.match(first.stderr, 'Warning: spec.source.volumeRef: there is no StorageVolume "b" yet');
  t.equal((await kubectl('label', 'storagevolume', 'a', 'tier=front')).stderr, '');
  const ring = () => kubectl('create', '-f', '-', '--dry-run=server', from('b', 'a'));
  await until(async () => (await ring()).code !== 0);
  t.match((await ring()).stderr, /each would be made from the next: b <- a <- b/);
});
