import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { JsonObject } from '../json.js';
import { Registry } from '../resources/registry.js';
import { Disk } from '../store/disk.js';
import { Store } from '../store/store.js';
import { Vault } from '../store/vault.js';
import { Objects } from './objects.js';

const folder = await mkdtemp(join(tmpdir(), 'vw-objects-'));
const disk = new Disk(join(folder, 'objects'), new Vault([new Uint8Array(32)]));
t.teardown(async () => {
  await disk[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});
const [store, registry] = [new Store(disk), new Registry()];
const objects = new Objects(store);
const now = '2026-01-01T00:00:00Z';
const options = { fieldManager: 'test', fieldValidation: 'Strict', dryRun: false, warn: () => {}, now } as const;
const deletion = { dryRun: false, propagation: 'Background', preconditions: {}, now } as const;

function resourceOf(group: string, plural: string) {
  const found = registry.find(group, 'v1', plural);
  if (found === undefined) throw new Error(`no ${plural}`);
  return found;
}

function create(group: string, plural: string, namespace: string, name: string, more: JsonObject = {}) {
  const resource = resourceOf(group, plural);
  const { apiVersion, kind } = resource;
  return objects.create({ resource, namespace, name }, { apiVersion, kind, metadata: { name }, ...more }, options);
}

t.test('nothing comes into a namespace whose deletion is decided, though it is not on disk yet', async (t) => {
  await create('', 'namespaces', '', 'shop');
  const deleted = objects.delete({ resource: resourceOf('', 'namespaces'), namespace: '', name: 'shop' }, deletion);
  await t.rejects(create('', 'configmaps', 'shop', 'late'), { code: 403, message: /being terminated/ });
  await deleted;
});

t.test('and what comes after the namespace need not wait for it', async (t) => {
  const made = await Promise.all([create('', 'namespaces', '', 'inn'), create('', 'configmaps', 'inn', 'early')]);
  t.equal(made.length, 2);
});

t.test('nothing comes of a kind whose deletion is decided', async (t) => {
  const group = 'objects.test';
  const schema = { openAPIV3Schema: { type: 'object' } };
  const names = { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' };
  const spec = { group, scope: 'Namespaced', names, versions: [{ name: 'v1', served: true, storage: true, schema }] };
  const crds = resourceOf('apiextensions.k8s.io', 'customresourcedefinitions');
  const crd = await create('apiextensions.k8s.io', 'customresourcedefinitions', '', `widgets.${group}`, { spec });
  registry.define(crd);
  await create(group, 'widgets', 'inn', 'one');
  const deleted = objects.delete({ resource: crds, namespace: '', name: `widgets.${group}` }, deletion);
  await t.rejects(create(group, 'widgets', 'inn', 'two'), { code: 405, message: /terminating/ });
  await deleted;
});
