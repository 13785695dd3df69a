import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import t, { type Test } from 'tap';
import type { Kinds } from '#crds/types.js';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { ImageServer } from '#test/faults/images.js';
import { skipWhereMissing } from '#test/peers/build.js';
import { buildJudge } from '#test/peers/judge.js';
import { resources } from './kinds.js';
import { Recorder } from './recorder.js';
import { until } from './until.js';
import { condition, useWorld } from './world.js';

/** What a repository of manifests goes through with kubectl, Flux and Argo CD: any order, again and again, changed, and pruned at once. */
const judge = await buildJudge().catch((reason) => skipWhereMissing(t, reason));
const world = await useWorld(t);
t.setTimeout(25 * 60_000);
const images = await ImageServer.start();
t.teardown(() => images[Symbol.asyncDispose]());
const url = images.put('debian.img', { bytes: new Uint8Array(1 << 20) });

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: object;
}

/** As people have them, but for where the host and its image are. */
function manifests(): readonly Manifest[] {
  const folder = new URL('../../../manifests/examples/gitops/', import.meta.url);
  const files = ['hosts', 'shop'].flatMap((name) => readdirSync(new URL(`${name}/`, folder)).map((file) => `${name}/${file}`));
  const all = files.flatMap((file) => loadAll(readFileSync(new URL(file, folder), 'utf8')) as Manifest[]);
  return all.filter(({ kind }) => kind !== 'Namespace').map(hereOnly);
}

function hereOnly(manifest: Manifest): Manifest {
  const grants = [{ name: 'images', namespaces: { from: 'All' }, addresses: ['127.0.0.0/8'] }];
  if (manifest.kind === 'Hypervisor') return { ...manifest, spec: { ...manifest.spec, uri: 'test:///default', grants } };
  if (manifest.metadata.name === 'debian-12') return { ...manifest, spec: { ...manifest.spec, source: { url, format: 'Raw' } } };
  // Guests here heed no power button.
  return manifest.kind === 'VirtualMachine' ? { ...manifest, spec: { ...manifest.spec, stop: { mode: 'Hard' } } } : manifest;
}

const ours = (all: readonly Manifest[]) => all.filter(({ kind }) => kind in resources);

/** A fixed shuffle for each seed. */
function shuffled<T>(all: readonly T[], seed: number): readonly T[] {
  let state = seed;
  const next = () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
  return all
    .map((one) => [next(), one] as const)
    .sort(([a], [b]) => a - b)
    .map(([, one]) => one);
}

/** How each of the tools applies. */
const ways: Readonly<Record<string, readonly string[]>> = {
  'kubectl apply': ['apply'],
  'kubectl apply --server-side': ['apply', '--server-side'],
  Flux: ['apply', '--server-side', '--field-manager=kustomize-controller', '--force-conflicts'],
  'Argo CD, server-side': ['apply', '--server-side', '--field-manager=argocd-controller'],
};

const all = manifests();
const orders: readonly (readonly [string, keyof typeof ways, readonly Manifest[]])[] = [
  ['as they are', 'kubectl apply', all],
  ['backwards', 'kubectl apply --server-side', [...all].reverse()],
  ...['Flux', 'Argo CD, server-side', 'kubectl apply'].map((way, at) => [`shuffled by ${at + 7}`, way, shuffled(all, at + 7)] as const),
];

interface Place {
  readonly order: readonly Manifest[];
  readonly words: readonly string[];
  readonly server: readonly string[];
}

async function applied({ order, words }: Place): Promise<string> {
  const said: string[] = [];
  for (const manifest of order) said.push(await world.kubectl(...words, '-f', '-', { input: JSON.stringify(manifest) }));
  return said.join('');
}

async function allReady(order: readonly Manifest[]): Promise<void> {
  for (const { kind, metadata } of ours(order))
    await world.until(kind as keyof Kinds, metadata.name, isCurrent, { ...(metadata.namespace && { namespace: metadata.namespace }) });
}

type Seen = Parameters<typeof condition>[0] & { readonly metadata: { readonly generation: number } };
const isCurrent = (seen: Seen) =>
  condition(seen, 'Ready')?.status === 'True' &&
  (seen.status as { readonly observedGeneration?: number }).observedGeneration === seen.metadata.generation;

/** Of everything that was applied: nothing differs, nobody else has any of it, and applying it again is no change. */
async function isAtRest(t: Test, place: Place, when: string): Promise<void> {
  const file = join(world.cluster.folder, 'all.json');
  await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: place.order }));
  const manager = place.words.filter((word) => word.startsWith('--field-manager'));
  const diff = await world.cluster.kubectl('diff', ...place.server, ...manager, '-f', file);
  t.same([diff.code, diff.stdout, diff.stderr], [0, '', ''], `no difference ${when}`);
  const before = await generations();
  await applied(place);
  t.same(await generations(), before, `applied again ${when}`);
  for (const { kind, metadata } of ours(place.order)) t.same(await takenBy(kind, metadata), [], `${kind} ${metadata.name} ${when}`);
}

async function generations(): Promise<string> {
  const path = '{range .items[*]}{.kind} {.metadata.name} {.metadata.generation}{"\\n"}{end}';
  return world.kubectl('get', 'virtwright', '-A', '-o', `jsonpath=${path}`);
}

interface Entry {
  readonly manager: string;
  readonly fieldsV1: Readonly<Record<string, object>>;
}

/** What the operator has of an object beyond its status, its finalizer and its annotation. */
async function takenBy(kind: string, { name, namespace = 'default' }: Manifest['metadata']): Promise<readonly string[]> {
  const text = await world.kubectl('get', kind, name, '-n', namespace, '-o', 'json', '--show-managed-fields');
  const { metadata } = JSON.parse(text) as { readonly metadata: { readonly managedFields: readonly Entry[] } };
  const own = metadata.managedFields.filter(({ manager }) => manager.startsWith('virtwright'));
  const fields = own.flatMap(({ fieldsV1 }) => Object.entries(fieldsV1).flatMap(([top, within]) => leavesOf(top, within)));
  return fields.filter(
    (field) => !/^f:status|^f:metadata\/f:finalizers|^f:metadata\/f:annotations(\/f:virtwright\.io\/bound|\/\.|$)/.test(field),
  );
}

const leavesOf = (path: string, within: object): readonly string[] => {
  const children = Object.entries(within);
  return children.length === 0 ? [path] : children.flatMap(([key, child]) => leavesOf(`${path}/${key}`, child as object));
};

/** By the manifest, and by an action. */
async function changed(t: Test, place: Place): Promise<void> {
  const order = place.order.map((one) => (one.metadata.name === 'web' ? { ...one, spec: { ...one.spec, cpu: { count: 2 } } } : one));
  await applied({ ...place, order });
  await allReady(order);
  await isAtRest(t, { ...place, order }, 'after a change');
  const metadata = { name: 'again', namespace: 'shop' };
  await world.apply({ kind: 'VirtualMachineAction', metadata, spec: { machineRef: { name: 'web' }, verb: 'Restart', mode: 'Hard' } });
  await world.until('VirtualMachineAction', 'again', ({ status }) => status?.outcome === 'Succeeded', { namespace: 'shop' });
  await world.delete('VirtualMachineAction', 'again', 'shop');
  await allReady(order);
  await isAtRest(t, { ...place, order }, 'after an action');
}

async function failures(recorder: Recorder): Promise<readonly string[]> {
  const verdicts = await judge(recorder.states);
  return recorder.states.filter((_, at) => verdicts[at]?.status === 'Failed').map((state) => JSON.stringify(state));
}

/** All at once, as a tool does whose folder has become empty. */
async function pruned(t: Test, order: readonly Manifest[], host: FakeHost<typeof systemClock>): Promise<void> {
  await world.kubectl('delete', '--timeout=180s', '-f', '-', { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: order }) });
  for (const { kind, metadata } of ours(order)) await world.untilGone(kind as keyof Kinds, metadata.name, metadata.namespace);
  const left = () => world.kubectl('get', 'virtwright', '-A', '-o', 'name', '--ignore-not-found');
  await until(async () => (await left()) === '');
  t.pass('no object is left');
  t.same([host.machines.size, host.networks.size, host.pools.size], [0, 0, 0], 'nothing is left on the host');
  t.match([...host.directory('/var/lib/virtwright/disks').keys()], [/^shop\.db-data-/], 'but the disk that is to be kept');
}

await world.kubectl('create', 'namespace', 'shop');
for (const [title, way, order] of orders)
  await t.test(`${way}: ${title}`, async (t) => {
    const host = new FakeHost({ clock: systemClock });
    await using operator = await world.start({
      connect: async () => fakeDriver(host),
      hypervisors: ['kvm9'],
      guestSecrets: { lookMs: 1_000 },
    });
    await using recorder = await Recorder.start(world.client, Object.values(resources));
    const place = { order, words: ways[way] ?? [], server: way === 'kubectl apply' ? [] : ['--server-side'] };
    await applied(place);
    await allReady(order);
    await isAtRest(t, place, 'after it is ready');
    await changed(t, place);
    const [failed] = await failures(recorder);
    t.equal(failed, undefined, 'nothing ever passed for failed');
    await pruned(t, order, host);
    const goodbye = /Hypervisor kvm9 was deleted/;
    t.same(
      operator.troubles.filter((one) => !goodbye.test(one)),
      [],
    );
  });
