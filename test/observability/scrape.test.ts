import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { createClient, loadKubeConfig } from '#controllers/kubernetes/client.js';
import { hypervisors, storagePools, storageVolumes, virtualMachines, virtualNetworks } from '#crds/types.js';
import { endChild, freePorts, startChild, waitUntil } from '#test/cluster/process.js';
import { skipWhereMissing } from '#test/peers/build.js';
import { promtool } from '#test/peers/promtool.js';
import { alerts, dashboardQueries, familiesOf } from './shipped.js';

// Seen from `dist/test/observability/`.
const main = fileURLToPath(new URL('../../controllers/main.js', import.meta.url));
const soon = () => AbortSignal.timeout(30_000);

await promtool(['--version']).catch((reason) => skipWhereMissing(t, reason));
t.setTimeout(5 * 60_000);

/** The program as people run it, with a host in memory and a machine on it that has one of everything. */
const folder = await mkdtemp(join(tmpdir(), 'vw-scrape-'));
const [port = 0] = await freePorts(1);
const log = join(folder, 'log');
const hosts = ['--hypervisor', 'demo', '--hypervisor', 'away'];
const args = [main, 'standalone', ...hosts, '--data', join(folder, 'data'), '--port', '0', '--listen', `127.0.0.1:${port}`];
await writeFile(log, '');
const program = startChild(process.execPath, args, log);
t.teardown(async () => {
  await endChild(program, 'SIGTERM');
  await rm(folder, { recursive: true, force: true });
});
const said = () => readFile(log, 'utf8');
await waitUntil('it is up', async () => (await said()).includes(' is up: '), program);
const [, kubeconfig = ''] = /KUBECONFIG=(\S+)/.exec(await said()) ?? [];
const client = createClient(await loadKubeConfig(kubeconfig));
t.teardown(() => client[Symbol.asyncDispose]());

const spec = {
  memory: { size: '64Mi' },
  disks: [{ name: 'root', volumeTemplate: { size: '8Mi', whenDeleted: 'Delete' } }],
  interfaces: [{ name: 'lan', networkRef: { name: 'lan' } }],
  devices: { guestAgent: {} },
  stop: { mode: 'Hard' },
};
const forward = { mode: 'NAT' };
const ipv4 = { address: '10.42.0.1/24', dhcp: { ranges: [{ start: '10.42.0.100', end: '10.42.0.200' }] } };
const inDefault = (name: string) => ({ metadata: { name, namespace: 'default' } });
await client.create(hypervisors, { metadata: { name: 'demo' }, spec: { uri: 'fake:///demo', defaultPoolRef: { name: 'fast' } } }, soon());
await client.create(hypervisors, { metadata: { name: 'away' }, spec: { uri: 'qemu+unix:///system?socket=/nowhere' } }, soon());
const here = { hypervisorSelector: { matchLabels: { 'kubernetes.io/none': 'x' } } };
await client.create(storagePools, { metadata: { name: 'fast' }, spec: { directory: { path: '/pools/fast' } } }, soon());
await client.create(virtualNetworks, { ...inDefault('lan'), spec: { forward, ipv4 } }, soon());
const on = { hypervisorRef: { name: 'demo' } };
await client.create(virtualMachines, { ...inDefault('web'), spec: { ...spec, placement: on } }, soon());
await client.create(virtualMachines, { ...inDefault('stuck'), spec: { ...spec, placement: here } }, soon());
await client.create(
  storageVolumes,
  { ...inDefault('waits'), spec: { size: '8Mi', poolRef: { name: 'fast' }, source: { upload: {}, format: 'Raw' } } },
  soon(),
);

const scrape = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
const namesIn = (text: string) =>
  new Set([...text.matchAll(/^(\w+)(?:\{.*\})? \S+$/gm)].map(([, name = '']) => name.replace(/_(bucket|sum|count)$/, '')));

/** What takes more to be told than there is here, and where it is seen instead. */
const elsewhere: Readonly<Record<string, string>> = {
  virtwright_drift_corrections_total: 'when another hand changes a machine: test/faults/metrics.test.ts',
  virtwright_storage_volume_filling_since_timestamp_seconds: 'while a volume is filled: test/observability/alerts.test.ts',
  virtwright_volume_filled_bytes_total: 'when images come in: controllers/storage-volume/metrics.test.ts',
  virtwright_sessions_open: 'when somebody is at a console: controllers/session/door.test.ts',
};

await t.test('all that alerts and dashboard ask for is told by a program that works', async (t) => {
  await waitUntil('the machine runs', async () => /virtwright_vms\{hypervisor="demo",status="Running"\} 1/.test(await scrape()), program);
  await waitUntil(
    'the host away is tried',
    async () => /connections_total\{hypervisor="away",code="Unavailable"\}/.test(await scrape()),
    program,
  );
  const text = await scrape();
  const [told, known] = [namesIn(text), new Set([...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name))];
  const asked = [...alerts().map(({ alert, expr }) => ({ title: alert, expr })), ...dashboardQueries()];
  for (const { title, expr } of asked)
    for (const name of familiesOf(expr)) {
      t.ok(known.has(name), `${title}: ${name}`);
      if (!(name in elsewhere)) t.ok(told.has(name), `${title}: ${name} has a series`);
    }
  t.notOk(told.has('virtwright_nobody_tells_of_this'));
});

await t.test('Prometheus finds nothing to say against the names', async (t) => {
  t.equal(await promtool(['check', 'metrics'], await scrape()), '');
  t.match(await promtool(['check', 'metrics'], '# TYPE virtwright_odd_total gauge\nvirtwright_odd_total 1\n'), /_total/);
});

await t.test('every transition has one line in the log, and no look at what stays', async (t) => {
  const lines = async () =>
    (await said()).split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Readonly<Record<string, string>>] : []));
  const about = (all: readonly Readonly<Record<string, string>>[]) =>
    all.filter(({ name, message }) => name === 'web' && message?.startsWith('VirtualMachine')).map(({ message }) => message);
  const before = about(await lines());
  t.equal(before.at(-1), 'VirtualMachine became Running');
  t.equal(new Set(before).size, before.length, 'each once', { before });
  t.ok((await lines()).some(({ message, name }) => message === 'Hypervisor became Connected' && name === 'demo'));
  await client.mergePatch(virtualMachines, { namespace: 'default', name: 'web' }, { metadata: { annotations: { a: 'b' } } }, {}, soon());
  await waitUntil(
    'it was looked at',
    async () => /reconcile_total\{controller="virtualmachines",result="success"\} [2-9]/.test(await scrape()),
    program,
  );
  t.same(about(await lines()), before);
});

await t.test('what is deleted is told of no more', async (t) => {
  await client.delete(virtualMachines, { namespace: 'default', name: 'web' }, {}, soon());
  await waitUntil('it is gone', async () => !(await scrape()).includes('name="web"'), program);
  t.match(await scrape(), /virtwright_host_scrape_success\{hypervisor="demo"\} 1/);
});
