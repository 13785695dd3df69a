import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadAll } from 'js-yaml';
import t from 'tap';
import { createClient, loadKubeConfig } from '#controllers/kubernetes/client.js';
import { skipWhereMissing } from '#test/peers/build.js';
import { chart, startHelm } from '#test/peers/helm.js';
import { startLibvirtd } from '#test/peers/libvirtd.js';
import { startVcsim } from '#test/peers/vsphere/vcsim.js';
import { useCluster } from './api-server.js';
import { Pod, type PodSpec } from './pod.js';
import { endChild, startChild } from './process.js';
import { until } from './until.js';
import { condition, World } from './world.js';

const cluster = await useCluster(t);
const helm = await startHelm(cluster.folder, cluster.kubeconfigPath).catch((reason) => skipWhereMissing(t, reason));
t.setTimeout(10 * 60_000);
const client = createClient(await loadKubeConfig(cluster.kubeconfigPath));
t.teardown(() => client[Symbol.asyncDispose]());
const world = new World(cluster, client);
const namespace = 'virtwright';
/** A standalone runs no pods, and knows none of their kinds: the kinds of machines and the rights are all that it takes of the chart. */
const runsPods = !cluster.collects;
const release = (...more: readonly string[]) => [
  'virtwright',
  chart,
  '--namespace',
  namespace,
  ...(runsPods ? [] : ['--set', 'controller.enabled=false,networkPolicy.enabled=false']),
  ...more,
];
const parts = ['local.enabled=true', 'remote[0].name=far', 'remote[0].hypervisors={esx}', 'elsewhere={kvm3}'];
const observed = ['serviceMonitor', 'prometheusRule', 'dashboard'].map((one) => `metrics.${one}.enabled=true`).join();
const everything = parts.map((one) => `agents.${one}`).join();

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: object;
}

interface Alerts extends Manifest {
  readonly spec: { readonly groups: readonly { readonly rules: readonly { readonly annotations: { readonly runbook_url?: string } }[] }[] };
}

async function rendered(...more: readonly string[]): Promise<readonly Manifest[]> {
  const text = await helm.run('template', 'virtwright', chart, '--namespace', namespace, '--kube-version', 'v1.36.3', ...more);
  return loadAll(text).filter((one) => one !== null && one !== undefined) as Manifest[];
}

const names = (manifests: readonly Manifest[]) => manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort();
const podOf = (workload: Manifest) => (workload.spec as { readonly template: { readonly spec: PodSpec } }).template.spec;
const isWorkload = ({ kind }: Manifest) => kind === 'Deployment' || kind === 'DaemonSet';

t.test('the chart is sound, and says what it does not take', async (t) => {
  await helm.run('lint', '--strict', chart);
  await helm.run('lint', '--strict', '--set', everything, '--set', observed, chart);
  const refused = (values: string) => helm.refused('template', chart, '--kube-version', 'v1.36.3', '--set', values);
  t.match(await refused('controller.replicas=0'), /replicas.*minimum/s);
  t.match(await refused('controler.replicas=2'), /controler/);
  t.match(await refused('agents.remote[0].name=far'), /hypervisors/);
  t.match(await refused('image.digest=latest'), /digest/);
  t.match(await refused('metrics.prometheusRule.runbooks=docs/runbooks'), /runbooks/);
  t.match(await refused('webhook.port=443'), /webhook\/port.*minimum/s);
  t.match(await refused('webhook.timeoutSeconds=30'), /timeoutSeconds.*maximum/s);
  t.match(await refused(`${everything},agents.remote[1].name=near,agents.remote[1].hypervisors={esx}`), /esx is given twice/);
  t.match(await refused(`${everything},agents.remote[1].name=kvm3,agents.remote[1].hypervisors={esx2}`), /kvm3 is given twice/);
  t.match(await helm.refused('template', chart, '--kube-version', 'v1.31.0'), />=1\.32\.0/);
});

t.test('each part comes when it is asked for, and no label or account is missing', async (t) => {
  const usual = await rendered();
  const full = await rendered('--set', everything, '--set', `${observed},controller.replicas=1`);
  const [has, more] = [new Set(names(usual)), names(full)];
  t.ok(has.has('PodDisruptionBudget virtwright-controller'));
  t.same(
    more.filter((one) => !has.has(one)),
    [
      'ClusterRole virtwright-agent-far',
      'ClusterRole virtwright-agent-kvm3',
      'ClusterRoleBinding virtwright-agent-far',
      'ClusterRoleBinding virtwright-agent-far-hosts',
      'ClusterRoleBinding virtwright-agent-kvm3',
      'ClusterRoleBinding virtwright-agent-kvm3-hosts',
      'ConfigMap virtwright-dashboard',
      'DaemonSet virtwright-agent',
      'Deployment virtwright-agent-far',
      'PrometheusRule virtwright',
      'Role virtwright-agent-far-secrets',
      'Role virtwright-agent-kvm3-secrets',
      'RoleBinding virtwright-agent-far',
      'RoleBinding virtwright-agent-far-secrets',
      'RoleBinding virtwright-agent-kvm3',
      'RoleBinding virtwright-agent-kvm3-secrets',
      'Service virtwright-metrics',
      'ServiceAccount virtwright-agent-far',
      'ServiceAccount virtwright-agent-kvm3',
      'ServiceMonitor virtwright',
    ],
  );
  t.notOk(more.includes('PodDisruptionBudget virtwright-controller'), 'one replica could never be taken away');
  const kinds = (await rendered('--set', 'crds.install=false')).filter(({ kind }) => kind === 'CustomResourceDefinition');
  t.same(kinds, []);
  for (const { metadata } of full) t.ok(metadata.namespace === undefined || metadata.namespace === namespace, metadata.name);
  const accounts = new Set(names(full).filter((one) => one.startsWith('ServiceAccount ')));
  for (const workload of full.filter(isWorkload)) t.ok(accounts.has(`ServiceAccount ${podOf(workload).serviceAccountName}`));
});

t.test('alerts name their pages where people read them, or none', async (t) => {
  const told = async (...more: readonly string[]) => {
    const [rule] = (await rendered('--set', observed, ...more)).filter(({ kind }) => kind === 'PrometheusRule') as readonly Alerts[];
    return rule?.spec.groups.flatMap(({ rules }) => rules).map(({ annotations }) => annotations.runbook_url) ?? [];
  };
  const pages = await told('--set', 'metrics.prometheusRule.runbooks=https://git.example.org/runbooks');
  t.not(pages.length, 0);
  for (const page of pages) t.match(page, /^https:\/\/git\.example\.org\/runbooks\/\w+\.md$/);
  t.same(await told(), Array(pages.length).fill(undefined));
});

t.test('what people are given is added to the roles of the cluster, and writes neither status nor Secrets', async (t) => {
  const roles = (await rendered()).filter(
    ({ kind, metadata }) => kind === 'ClusterRole' && /-(view|edit|hosts)$/.test(metadata.name),
  ) as (Manifest & {
    readonly rules: readonly { readonly apiGroups: readonly string[]; readonly resources: readonly string[] }[];
  })[];
  const added = (name: string) =>
    Object.keys(roles.find(({ metadata }) => metadata.name === name)?.metadata.labels ?? {}).filter((label) =>
      label.includes('aggregate-to'),
    );
  t.same(added('virtwright-view'), ['rbac.authorization.k8s.io/aggregate-to-view']);
  t.same(added('virtwright-edit'), ['rbac.authorization.k8s.io/aggregate-to-edit', 'rbac.authorization.k8s.io/aggregate-to-admin']);
  t.same(added('virtwright-hosts'), []);
  for (const { apiGroups, resources } of roles.flatMap(({ rules }) => rules)) {
    t.same(apiGroups, ['virtwright.io']);
    t.same(
      resources.filter((one) => one.includes('/')),
      [],
    );
  }
});

t.test('manifests/install.yaml is what the chart gives', async (t) => {
  const written = await readFile(new URL('../../../manifests/install.yaml', import.meta.url), 'utf8');
  const ours = loadAll(written).filter((one) => one !== null && one !== undefined) as Manifest[];
  const text = await helm.run('template', 'virtwright', chart, '--namespace', 'virtwright-system', '--set', 'crds.install=false');
  t.same(
    ours.slice(1),
    loadAll(text).filter((one) => one !== null && one !== undefined),
    'make manifest writes it anew',
  );
});

t.test('it is installed, upgraded with its kinds, and rolled back', async (t) => {
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  await world.kubectl('create', '-f', '-', {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } }),
  });
  const former = await mkdtemp(join(cluster.folder, 'chart-'));
  await cp(chart, former, { recursive: true });
  const crd = join(former, 'files/crds/storagepools.yaml');
  const text = await readFile(crd, 'utf8');
  await writeFile(crd, text.replace(/description: .*/, 'description: As it was said before.'));
  const [, , ...rest] = release();
  await helm.run('install', 'virtwright', former, ...rest);
  const said = () => world.kubectl('get', 'crd', 'storagepools.virtwright.io', '-o', 'jsonpath={..openAPIV3Schema}');
  t.match(await said(), /As it was said before/);
  await helm.run('upgrade', ...release(...(runsPods ? ['--set', 'controller.replicas=3'] : [])));
  t.notMatch(await said(), /As it was said before/);
  const replicas = async () =>
    runsPods ? world.kubectl('get', 'deployment', '-n', namespace, 'virtwright-controller', '-o', 'jsonpath={.spec.replicas}') : '';
  t.equal(await replicas(), runsPods ? '3' : '');
  await helm.run('rollback', 'virtwright', '1', '--namespace', namespace);
  t.equal(await replicas(), runsPods ? '2' : '');
  t.match(await said(), /As it was said before/);
  await helm.run('upgrade', ...release());
});

t.test('people have the rights of their namespace, and none over hosts', async (t) => {
  await world.kubectl('create', 'namespace', 'team');
  for (const role of ['view', 'edit'])
    await world.kubectl('create', 'rolebinding', role, '-n', 'team', `--clusterrole=virtwright-${role}`, '--user=jane');
  await world.kubectl('create', 'clusterrolebinding', 'hosts', '--clusterrole=virtwright-hosts', '--user=root');
  const may = async (user: string, verb: string, what: string, where: string, ...more: readonly string[]) =>
    (await cluster.kubectl('auth', 'can-i', verb, `${what}.virtwright.io`, '-n', where, '--as', user, ...more)).stdout.trim();
  // A standalone asks no rights: whoever has a certificate may do everything.
  if (!runsPods) return;
  t.equal(await may('jane', 'create', 'virtualmachines', 'team'), 'yes');
  t.equal(await may('jane', 'watch', 'storagevolumes', 'team'), 'yes');
  t.equal(await may('jane', 'create', 'virtualmachines', 'default'), 'no');
  t.equal(await may('jane', 'patch', 'virtualmachines', 'team', '--subresource=status'), 'no');
  t.equal(await may('jane', 'create', 'hypervisors', 'team'), 'no');
  t.equal(await may('root', 'create', 'hypervisors', 'default'), 'yes');
  t.equal(await may('root', 'create', 'virtualmachines', 'default'), 'no');
});

t.test('its pods are let in by Pod Security, and run with the rights that they are given', { skip: !runsPods }, async (t) => {
  await using daemon = await startLibvirtd();
  await using vcsim = await startVcsim({ mode: 'esx' });
  const values = `${everything},agents.local.socketFolder=${join(daemon.directory, 'run/libvirt')}`;
  await helm.run('upgrade', ...release('--set', values));
  const workloads = JSON.parse(await world.kubectl('get', 'deployments,daemonsets', '-n', namespace, '-o', 'json')) as {
    items: Manifest[];
  };
  const specs = new Map(workloads.items.map((one) => [one.metadata.name, podOf(one)]));
  const admitted = (name: string, where: string) => {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: where }, spec: specs.get(name) };
    return cluster.kubectl('create', '--dry-run=server', '-f', '-', { input: JSON.stringify(pod) });
  };
  for (const name of ['virtwright-controller', 'virtwright-agent-far']) t.equal((await admitted(name, namespace)).stderr, '');
  t.match((await admitted('virtwright-agent', namespace)).stderr, /violates PodSecurity "restricted:latest": .*hostPath/);
  await world.kubectl('label', 'namespace', namespace, '--overwrite', 'pod-security.kubernetes.io/enforce=privileged');

  const pods: Pod[] = [];
  let addresses = 0;
  t.teardown(async () => {
    for (const pod of pods) await pod.stop();
    if (!t.passing()) for (const pod of pods) t.comment(await pod.said());
  });
  const start = async (name: string, workload: string) => {
    const spec = specs.get(workload);
    if (spec === undefined) throw new Error(`no workload ${workload}`);
    const pod = await Pod.start(cluster, name, spec, { namespace, node: 'node-1', ip: `127.0.9.${++addresses}` });
    pods.push(pod);
    return pod;
  };
  const [leader] = await Promise.all([
    start('controller-a', 'virtwright-controller'),
    start('agent-node-1', 'virtwright-agent'),
    start('agent-far', 'virtwright-agent-far'),
  ]);
  await until(async () => (await Promise.all(pods.map((pod) => pod.answers('/readyz', 9090)))).every((ready) => ready));
  const waiting = await start('controller-b', 'virtwright-controller');
  await until(() => waiting.answers('/readyz', 9090));
  const secret = { username: vcsim.username, password: vcsim.password, 'ca.crt': vcsim.ca };
  await world.apply(
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'esx', namespace }, stringData: secret },
    { kind: 'Hypervisor', metadata: { name: 'esx' }, spec: { uri: `esx://127.0.0.1:${vcsim.port}`, credentialsSecretName: 'esx' } },
    { kind: 'Hypervisor', metadata: { name: 'node-1' }, spec: { uri: 'qemu:///system', defaultPoolRef: { name: 'fast' } } },
    {
      kind: 'StoragePool',
      metadata: { name: 'fast' },
      spec: { directory: { path: join(daemon.directory, 'pools/fast') }, hypervisorSelector: undefined },
    },
  );
  const machine = (name: string) => ({
    kind: 'VirtualMachine',
    metadata: { name, namespace: 'team' },
    spec: {
      memory: { size: '32Mi' },
      stop: { mode: 'Hard' },
      placement: { hypervisorRef: { name: 'node-1' } },
      disks: [{ name: 'root', volumeTemplate: { size: '8Mi', whenDeleted: 'Delete' } }],
    },
  });
  const isReady = (seen: Parameters<typeof condition>[0]) => condition(seen, 'Ready')?.status === 'True';
  await world.until('Hypervisor', 'esx', isReady);
  await world.apply(machine('web'));
  await world.until('VirtualMachine', 'web', isReady, { namespace: 'team' });
  await leader.stop();
  await world.apply(machine('db'));
  await world.until('VirtualMachine', 'db', isReady, { namespace: 'team' });
  for (const pod of pods) t.notMatch(await pod.said(), /forbidden|EACCES|EROFS/i);
  await world.delete('VirtualMachine', 'db', 'team');
  await world.untilGone('VirtualMachine', 'db', 'team');
  t.match(await daemon.virsh('list', '--name'), 'team.web');
  for (const pod of pods) await pod.stop();
  await helm.run('uninstall', 'virtwright', '--namespace', namespace);
  t.match(await daemon.virsh('list', '--name'), 'team.web', 'machines outlive the operator');
  t.ok(await world.get('VirtualMachine', 'web', 'team'), 'and so do their objects');
});

t.test('the agent of a host outside of the cluster runs as its systemd unit says', { skip: !runsPods }, async (t) => {
  await helm.run('install', ...release('--set', 'agents.elsewhere={kvm3}'));
  const unit = await readFile(new URL('../../../manifests/systemd/virtwright-agent@.service', import.meta.url), 'utf8');
  const [, line = ''] = /^ExecStart=node \/opt\/virtwright\/(.*)$/m.exec(unit) ?? [];
  const kubeconfig = await cluster.kubeconfigFor(`system:serviceaccount:${namespace}:virtwright-agent-kvm3`);
  const specifiers: Readonly<Record<string, string>> = { '%i': 'kvm3', '%d/kubeconfig': kubeconfig, '${NAMESPACE}': namespace };
  const defaults: Readonly<Record<string, string>> = { '${CLUSTER_NAME}': 'default', '127.0.0.1:9090': '127.0.9.9:9090' };
  const [program = '', ...words] = line.split(' ').filter((word) => word !== '$FLAGS');
  const log = join(cluster.folder, 'unit.log');
  const top = fileURLToPath(new URL('../../../', import.meta.url));
  const child = startChild(process.execPath, [join(top, program), ...words.map((word) => specifiers[word] ?? defaults[word] ?? word)], log);
  const ready = () => fetch('http://127.0.9.9:9090/readyz').then(({ ok }) => ok);
  await until(() => ready().catch(() => false)).finally(() => endChild(child, 'SIGTERM'));
  t.notMatch(await readFile(log, 'utf8'), /forbidden/i);
  await helm.run('uninstall', 'virtwright', '--namespace', namespace);
});

t.test('what it leaves behind it finds again', async (t) => {
  if (!runsPods) await helm.run('uninstall', 'virtwright', '--namespace', namespace);
  t.equal(await world.kubectl('get', 'clusterroles', '-o', 'name').then((all) => all.includes('virtwright')), false);
  t.match(await world.kubectl('get', 'crds', '-o', 'name'), /virtualmachines\.virtwright\.io/);
  await helm.run('install', ...release());
});
