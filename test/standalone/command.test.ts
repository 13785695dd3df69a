import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import * as yaml from 'js-yaml';
import t from 'tap';
import { createClient, loadKubeConfig } from '#controllers/kubernetes/client.js';
import { leases } from '#controllers/kubernetes/lease.js';
import { type VirtualMachine, virtualMachines } from '#crds/types.js';
import { until } from '#test/cluster/until.js';

// Seen from `dist/test/standalone/`.
const main = fileURLToPath(new URL('../../controllers/main.js', import.meta.url));
const smallest = new URL('../../../manifests/examples/libvirt/smallest.yaml', import.meta.url);
const soon = () => AbortSignal.timeout(30_000);

t.test('one command is an API server with an operator that works on it, and keeps what it was told', { timeout: 120_000 }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'vw-standalone-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const run = async (work: (kubeconfig: string) => Promise<void>) => {
    const child = spawn(process.execPath, [main, 'standalone', '--hypervisor', 'kvm2', '--data', folder, '--port', '0'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const complaints = text(child.stderr);
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    t.match(line, /^https:\/\/127\.0\.0\.1:\d+ is up: export KUBECONFIG=/);
    await work(line.replace(/.*KUBECONFIG=/, '')).finally(() => child.kill('SIGTERM'));
    const [code] = (await once(child, 'exit')) as [number];
    t.equal(code, 0, await complaints);
  };
  const manifest = yaml.load(await readFile(smallest, 'utf8')) as VirtualMachine;
  const ref = { namespace: 'default', name: manifest.metadata.name };
  await run(async (kubeconfig) => {
    await using client = createClient(await loadKubeConfig(kubeconfig));
    await client.create(virtualMachines, { ...manifest, metadata: ref }, soon());
    await until(async () => JSON.stringify(await client.get(virtualMachines, ref, soon())).includes('NoHypervisor'));
    await until(async () => (await client.list(leases, { namespace: 'virtwright-system' }, soon())).items.length > 0);
  });
  await run(async (kubeconfig) => {
    await using client = createClient(await loadKubeConfig(kubeconfig));
    t.match(await client.get(virtualMachines, ref, soon()), { metadata: ref });
  });
});
