import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { ImageServer } from '#test/faults/images.js';
import { buildPeer, skipWhereMissing } from '#test/peers/build.js';
import { startTlsLibvirtd } from '#test/peers/remote.js';
import { useCluster } from './api-server.js';
import { Pod, type PodSpec } from './pod.js';

/** A stranger follows docs/install.md, from an empty cluster to a machine on a libvirt host that is no part of it. */
const cluster = await useCluster(t);
t.setTimeout(15 * 60_000);
const helm = await buildPeer('helm').catch((reason) => skipWhereMissing(t, reason));
const host = await startTlsLibvirtd();
t.teardown(() => host[Symbol.asyncDispose]());
const images = await ImageServer.start();
t.teardown(() => images[Symbol.asyncDispose]());

const top = fileURLToPath(new URL('../../../', import.meta.url));
const place = join(cluster.folder, 'checkout');
const pods: Pod[] = [];
t.teardown(async () => {
  for (const pod of pods) await pod.stop();
  if (!t.passing()) for (const pod of pods) t.comment(await pod.said());
});

/** What is otherwise than the page has it: where the host and the image are, and how large things are. */
const here: readonly (readonly [string | RegExp, string])[] = [
  ['kvm3.example.org', `localhost:${host.port}`],
  ['/var/lib/virtwright/images', join(host.daemon.directory, 'pools/images')],
  [
    'defaultPoolRef: { name: images } }',
    "defaultPoolRef: { name: images }, grants: [{ name: a, namespaces: { from: All }, addresses: ['127.0.0.0/8'] }] }",
  ],
];
const small: readonly (readonly [string | RegExp, string])[] = [
  [/https:\S+\.qcow2/, images.put('image.img', { bytes: new Uint8Array(1 << 20) })],
  ['format: Qcow2', 'format: Raw'],
  ['size: 10Gi', 'size: 8Mi'],
  ['size: 1Gi', 'size: 32Mi'],
];

function changed(words: string, changes: typeof here): string {
  return changes.reduce((seen, [from, to]) => seen.replace(from, to), words);
}

/** The commands of the page's walk, block by block. */
async function blocks(): Promise<readonly string[]> {
  const page = await readFile(join(top, 'docs/install.md'), 'utf8');
  const [, walk = ''] = /^## From nothing to a machine$(.*?)^## /ms.exec(page) ?? [];
  return [...walk.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, commands = '']) => changed(commands, here));
}

/** A checkout, with what a stranger has beside it. There is nothing to build images with: pods run the program as it is built here. */
async function checkOut(): Promise<void> {
  await mkdir(join(place, 'bin'), { recursive: true });
  for (const folder of ['charts', 'crds', 'manifests']) await cp(join(top, folder), join(place, folder), { recursive: true });
  const hello = join(place, 'manifests/hello.yaml');
  await writeFile(hello, changed(await readFile(hello, 'utf8'), small));
  for (const [name, content] of Object.entries(host.secret)) await writeFile(join(place, name), content, { mode: 0o600 });
  await writeFile(join(place, 'bin/docker'), '#!/bin/sh\n', { mode: 0o755 });
}

async function follow(commands: string): Promise<string> {
  const env = {
    PATH: [join(place, 'bin'), helm, cluster.assets, process.env['PATH']].join(':'),
    HOME: place,
    KUBECONFIG: cluster.kubeconfigPath,
  };
  const child = spawn('bash', ['-euo', 'pipefail', '-c', commands], { cwd: place, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  if (code !== 0) throw new Error(`${commands}\n${stdout}${stderr}`);
  return stdout;
}

interface Deployment {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: { readonly template: { readonly spec: PodSpec } };
}

/** What a cluster does with Deployments: starts their pods, and says Available when they are ready. Until the signal. */
async function runDeployments(signal: AbortSignal): Promise<void> {
  const running = new Map<string, Pod>();
  for (; !signal.aborted; await sleep(500)) {
    const { stdout } = await cluster.kubectl('get', 'deployments', '-A', '-o', 'json');
    for (const deployment of (JSON.parse(stdout || '{"items":[]}') as { readonly items: readonly Deployment[] }).items)
      await run(deployment, running).catch(() => {});
  }
}

async function run({ metadata: { name, namespace }, spec }: Deployment, running: Map<string, Pod>): Promise<void> {
  const pod =
    running.get(name) ??
    (await Pod.start(cluster, name, spec.template.spec, { namespace, node: 'node-1', ip: `127.0.8.${running.size + 1}` }));
  if (!running.has(name)) pods.push(pod);
  running.set(name, pod);
  if (!(await pod.answers('/readyz', 9090))) return;
  const now = new Date().toISOString();
  const available = { type: 'Available', status: 'True', reason: 'Ready', message: '', lastTransitionTime: now, lastUpdateTime: now };
  const patch = JSON.stringify({ status: { conditions: [available] } });
  await cluster.kubectl('patch', 'deployment', name, '-n', namespace, '--subresource=status', '--type=merge', '-p', patch);
}

await t.test('the walk of docs/install.md ends with a running machine, and takes it away again', { skip: cluster.collects }, async (t) => {
  await checkOut();
  const stop = new AbortController();
  const deployments = runDeployments(stop.signal);
  t.teardown(async () => {
    stop.abort();
    await deployments;
  });
  const all = await blocks();
  t.ok(all.length >= 5, `${all.length} blocks of commands`);
  let ran = false;
  for (const commands of all) {
    t.comment(commands);
    const said = await follow(commands);
    if (!commands.includes('get virtualmachine')) continue;
    t.match(said, /^hello +Running +True +kvm3 /m);
    t.match(await host.daemon.virsh('list', '--name'), 'default.hello');
    ran = true;
  }
  t.ok(ran, 'it is shown running');
  t.notMatch(await host.daemon.virsh('list', '--all', '--name'), 'default.hello', 'it is gone from the host');
  const { stdout } = await cluster.kubectl('get', 'virtwright', '-A', '-o', 'name');
  t.equal(stdout, '', 'and so are all objects');
});
