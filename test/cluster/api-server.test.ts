import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { type ApiServer, startApiServer, useCluster } from '#test/cluster/api-server.js';

const cluster = await useCluster(t);

const configMap = (name: string): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } });
const names = async (server: ApiServer): Promise<string> =>
  (await server.kubectl('get', 'configmaps', '-n', 'default', '-o', 'name')).stdout;

/** Processes that were started with this folder in their arguments. */
async function processesOf(folder: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return pids.filter((_, index) => lines[index]?.includes(folder));
}

t.test('kubectl works, says what is wrong, and takes input', async (t) => {
  t.match(JSON.parse((await cluster.kubectl('version', '-o', 'json')).stdout).serverVersion.gitVersion, /^v1\.36\./);
  t.equal((await cluster.kubectl('create', '-f', '-', { input: configMap('one') })).code, 0);
  const wrong = await cluster.kubectl('get', 'nonsense');
  t.equal(wrong.code, 1);
  t.match(wrong.stderr, /nonsense/);
});

t.test('somebody without a role is refused', async (t) => {
  const path = await cluster.kubeconfigFor('mallory');
  const refused = await cluster.kubectl('--kubeconfig', path, 'get', 'configmaps');
  t.match(refused.stderr, /Forbidden.*"mallory"/);
});

t.test('data outlives a restart and a kill, and not a wipe', async (t) => {
  await cluster.restart();
  t.match(await names(cluster), 'configmap/one');
  await cluster.kill9();
  t.not((await cluster.kubectl('get', 'configmaps')).code, 0);
  await cluster.restart();
  t.match(await names(cluster), 'configmap/one');
  await cluster.wipe();
  t.notMatch(await names(cluster), 'configmap/one');
});

t.test('two stand side by side, and nothing of a stopped one is left', async (t) => {
  const other = await startApiServer();
  await other.kubectl('create', '-f', '-', { input: configMap('elsewhere') });
  t.match(await names(other), 'elsewhere');
  t.notMatch(await names(cluster), 'elsewhere');
  t.equal((await processesOf(other.folder)).length, 2);
  await other.stop();
  t.same(await processesOf(other.folder), []);
  t.notOk(existsSync(other.folder));
});

t.test('nothing of it outlives a killed test process', async (t) => {
  const module = fileURLToPath(new URL('./api-server.js', import.meta.url));
  const script = `const { startApiServer } = await import(${JSON.stringify(module)}); console.log((await startApiServer()).folder); setInterval(() => {}, 1e6);`;
  const victim: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(victim.stdout as NonNullable<typeof victim.stdout>, 'data');
  const folder = String(line).trim();
  const children = await processesOf(folder);
  t.equal(children.length, 2);
  victim.kill('SIGKILL');
  await once(victim, 'exit');
  while ((await processesOf(folder)).length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  t.pass('etcd and kube-apiserver are gone');
});
