import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import { loadAll } from 'js-yaml';
import t, { type Test } from 'tap';
import { renewed } from '#controllers/admission/certificate.js';
import { createClient, loadKubeConfig } from '#controllers/kubernetes/client.js';
import { hypervisors } from '#crds/types.js';
import { AssetsMissing, skipWhereMissing } from '#test/peers/build.js';
import { chart, startHelm } from '#test/peers/helm.js';
import { useCluster } from './api-server.js';
import { Audit, neverMissed, type Role } from './audit.js';
import { Pod, type PodSpec } from './pod.js';
import { proxyService } from './service.js';
import { until } from './until.js';
import { World } from './world.js';

const octet = () => Math.floor(Math.random() * 200) + 20;
// Services have addresses of loopback, so that what a node's proxy would do can be done here, at the very address that the API server asks.
const range = `--service-cluster-ip-range=127.${octet()}.${octet()}.0/24`;
const audit = new Audit();
t.teardown(() => audit[Symbol.asyncDispose]());
const cluster = await useCluster(t, { kind: 'kube-apiserver', args: [range, ...audit.args] });
const helm = await startHelm(cluster.folder, cluster.kubeconfigPath).catch((reason) => skipWhereMissing(t, reason));
if (process.getuid?.() !== 0) skipWhereMissing(t, new AssetsMissing("a Service has port 443, which is root's"));
const client = createClient(await loadKubeConfig(cluster.kubeconfigPath));
t.teardown(() => client[Symbol.asyncDispose]());
const world = new World(cluster, client);
const namespace = 'virtwright';

await world.kubectl('create', 'namespace', namespace);
await helm.run('install', 'virtwright', chart, '--namespace', namespace);
const spec = async (name: string) =>
  JSON.parse(await world.kubectl('get', 'deployment', name, '-n', namespace, '-o', 'jsonpath={.spec.template.spec}')) as PodSpec;
const controller = await spec('virtwright-controller');
const host = await world.kubectl('get', 'service', 'virtwright-webhook', '-n', namespace, '-o', 'jsonpath={.spec.clusterIP}');
const service = await proxyService({ host, port: 443 });
t.teardown(() => service[Symbol.asyncDispose]());

const pods: Pod[] = [];
t.teardown(async () => {
  for (const pod of pods) await pod.stop();
  if (!t.passing()) for (const pod of pods) t.comment(await pod.said());
});
async function start(name: string): Promise<Pod> {
  const pod = await Pod.start(cluster, name, controller, { namespace, node: 'node-1', ip: `127.0.8.${pods.length + 1}` });
  pods.push(pod);
  await until(() => pod.answers('/readyz', 9090));
  return pod;
}
const endpoint = ({ ip }: Pod) => ({ host: ip, port: 9443 });

const sent = (manifest: object) => ({ input: JSON.stringify({ apiVersion: 'virtwright.io/v1alpha1', ...manifest }) });
const machine = (name: string, more: object = {}) => ({
  kind: 'VirtualMachine',
  metadata: { name, namespace: 'default' },
  spec: { memory: { size: '64Mi' }, ...more },
});
const volume = (name: string, from: string) => ({
  kind: 'StorageVolume',
  metadata: { name, namespace: 'default' },
  spec: { size: '1Gi', source: { volumeRef: { name: from } } },
});
const create = (manifest: object, ...more: readonly string[]) => cluster.kubectl('create', '-f', '-', ...more, sent(manifest));
const warns = async () => (await create(machine('tried'), '--dry-run=server')).stderr.includes('Warning: ');
const bundle = () =>
  world.kubectl('get', 'validatingwebhookconfiguration', 'virtwright', '-o', 'jsonpath={.webhooks[0].clientConfig.caBundle}');

/** A write goes on without the webhook, and so do status and deletion. */
async function goesOn(t: Test, name: string): Promise<void> {
  const created = await create(machine(name));
  t.equal(created.code, 0, created.stderr);
  const patched = await cluster.kubectl('patch', 'virtualmachine', name, '--type=merge', '-p', '{"spec":{"cpu":{"count":2}}}');
  t.equal(patched.code, 0, patched.stderr);
  const status = ['--subresource=status', '--type=merge', '-p', '{"status":{"printableStatus":"Seen"}}'];
  t.equal((await cluster.kubectl('patch', 'virtualmachine', name, ...status)).code, 0);
  t.equal((await cluster.kubectl('delete', 'virtualmachine', name, '--timeout=30s')).code, 0);
}

const first = await start('controller-a');
service.to(endpoint(first));

t.test('what an object waits for is said when it is written, and it is let in', async (t) => {
  await until(warns);
  const { code, stderr } = await create(
    machine('web', {
      placement: { hypervisorRef: { name: 'kvm9' } },
      disks: [
        { name: 'root', volumeRef: { name: 'web-root' } },
        {
          name: 'data',
          volumeTemplate: { size: '1Gi', poolRef: { name: 'fast' }, source: { url: 'https://images.example.org/a.img', format: 'Raw' } },
        },
      ],
      interfaces: [{ name: 'lan', networkRef: { name: 'lan' } }],
    }),
  );
  t.equal(code, 0);
  for (const told of [
    'Warning: spec.disks[root].volumeRef: there is no StorageVolume "web-root" yet',
    'Warning: spec.disks[data].volumeTemplate.poolRef: there is no StoragePool "fast" yet',
    'Warning: spec.disks[data].volumeTemplate.source.checksum: none given',
    'Warning: spec.interfaces[lan].networkRef: there is no VirtualNetwork "lan" yet',
    'Warning: spec.placement: waiting for Hypervisor "kvm9": there is none',
  ])
    t.match(stderr, told);
  const again = await cluster.kubectl('label', 'virtualmachine', 'web', 'tier=front');
  t.equal(again.stderr, '', 'what asks for nothing new is not told again');
});

t.test('a machine that no host can have is told which field, and what would be accepted', async (t) => {
  await world.apply({ kind: 'Hypervisor', metadata: { name: 'kvm3' }, spec: { uri: 'qemu:///system' } });
  const capabilities = [
    { field: 'memory.size', max: '1Gi' },
    { field: 'cpu.count', max: '4' },
  ];
  await client.applyStatus(
    hypervisors,
    { metadata: { name: 'kvm3' }, status: { capabilities } },
    { force: true },
    AbortSignal.timeout(60_000),
  );
  const tried = () => create(machine('large', { memory: { size: '2Gi' } }), '--dry-run=server');
  await until(async () => /memory/.test((await tried()).stderr));
  t.match((await tried()).stderr, /Warning: spec\.memory\.size: 2Gi given, kvm3 accepts at most 1Gi/);
});

t.test('what can never become true is refused', async (t) => {
  t.equal((await create(volume('a', 'b'))).code, 0);
  const ring = () => create(volume('b', 'a'), '--dry-run=server');
  await until(async () => (await ring()).code !== 0);
  t.match((await ring()).stderr, /denied the request: spec\.source\.volumeRef: each would be made from the next: b <- a <- b/);
});

t.test('when its certificate ends is told', async (t) => {
  const told = await (await fetch(`http://${first.ip}:9090/metrics`)).text();
  const [, ends = '0'] = /^virtwright_credential_expiration_timestamp_seconds\{purpose="webhook"\} (\S+)$/m.exec(told) ?? [];
  const read = new X509Certificate(Buffer.from(await bundle(), 'base64'));
  t.equal(Number(ends), Date.parse(read.validTo) / 1_000);
});

t.test('the controller that does not lead warns as well', async (t) => {
  const second = await start('controller-b');
  service.to(endpoint(second));
  await until(warns);
  await first.kill9();
  t.ok(await warns());
});

t.test('whom to trust is put back, and a certificate that is lost is made anew', async (t) => {
  const before = await bundle();
  await world.kubectl(
    'patch',
    'validatingwebhookconfiguration',
    'virtwright',
    '--type=json',
    '-p',
    '[{"op":"remove","path":"/webhooks/0/clientConfig/caBundle"}]',
  );
  await until(async () => (await bundle()) === before);
  await until(warns);
  await world.kubectl('delete', 'secret', 'virtwright-webhook', '-n', namespace);
  await until(async () => ![before, ''].includes(await bundle()));
  await until(warns);
  const read = new X509Certificate(Buffer.from(await bundle(), 'base64'));
  t.equal(read.subjectAltName, `DNS:virtwright-webhook.${namespace}.svc`);
});

t.test('it has no right that it does not need', async (t) => {
  const { kind, rules } = JSON.parse(await world.kubectl('get', 'clusterrole', 'virtwright-webhook', '-o', 'json')) as Role;
  const role = { kind, rules, metadata: { name: 'virtwright-webhook' } };
  const user = `system:serviceaccount:${namespace}:virtwright-controller`;
  const used = audit.used((one) => one === user);
  t.same(await neverMissed(cluster, [role as Role], used, new Set()), []);
});

t.test('a helm upgrade keeps whom to trust', async (t) => {
  const before = await bundle();
  await helm.run('upgrade', 'virtwright', chart, '--namespace', namespace, '--set', 'webhook.timeoutSeconds=1');
  t.equal(await bundle(), before);
  t.ok(await warns());
});

t.test('a webhook that is hung holds a write up for its timeout, and blocks nothing', async (t) => {
  service.hang();
  await goesOn(t, 'hung');
});

t.test('a webhook with another certificate is not listened to, and blocks nothing', async (t) => {
  const { certificate, key } = await renewed(`virtwright-webhook.${namespace}.svc`, undefined, Date.now());
  const answered = { count: 0 };
  const impostor = createServer({ cert: certificate, key }, (_request, response) => {
    answered.count += 1;
    response.end('{}');
  });
  impostor.listen(0, '127.0.0.1');
  await once(impostor, 'listening');
  t.teardown(() => impostor.close());
  const address = impostor.address();
  service.to({ host: '127.0.0.1', port: typeof address === 'object' && address !== null ? address.port : 0 });
  await goesOn(t, 'impostor');
  t.equal(answered.count, 0);
});

t.test('a webhook that is gone blocks nothing', async (t) => {
  for (const pod of pods) await pod.kill9();
  service.to(...pods.map(endpoint));
  await goesOn(t, 'gone');
});

t.test('with cert-manager the certificate is asked of it', async (t) => {
  const text = await helm.run('template', 'virtwright', chart, '--namespace', namespace, '--set', 'webhook.certManager.enabled=true');
  const manifests = loadAll(text).filter((one) => one !== null && one !== undefined) as {
    kind: string;
    metadata: { name: string; annotations?: object };
    spec: object;
  }[];
  const found = (kind: string, name: string) => manifests.find((one) => one.kind === kind && one.metadata.name === name);
  t.match(found('ValidatingWebhookConfiguration', 'virtwright')?.metadata.annotations, {
    'cert-manager.io/inject-ca-from': `${namespace}/virtwright-webhook`,
  });
  t.match(found('Certificate', 'virtwright-webhook')?.spec, {
    secretName: 'virtwright-webhook',
    dnsNames: [`virtwright-webhook.${namespace}.svc`],
    issuerRef: { kind: 'Issuer', name: 'virtwright-webhook' },
  });
  t.match(found('Issuer', 'virtwright-webhook')?.spec, { selfSigned: {} });
  t.equal(found('ClusterRole', 'virtwright-webhook'), undefined, 'the controller writes no configuration then');
});
