import { randomUUID } from 'node:crypto';
import { createClient, loadKubeConfig } from '#controllers/kubernetes/client.js';
import type { Resource } from '#controllers/kubernetes/resource.js';
import type { ApiServer } from './api-server.js';

/** A kind of our own for tests: with a status, and selectable by owner and host. */
export const widgets: Resource = { group: 'test.virtwright.io', version: 'v1', plural: 'widgets', kind: 'Widget', namespaced: true };

const text = { type: 'string' };
const schema = {
  type: 'object',
  properties: {
    spec: { type: 'object', properties: { owner: text, size: { type: 'integer', minimum: 0 } } },
    status: { type: 'object', properties: { host: text, message: text } },
  },
};
const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.test.virtwright.io' },
  spec: {
    group: widgets.group,
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        selectableFields: [{ jsonPath: '.spec.owner' }, { jsonPath: '.status.host' }],
        schema: { openAPIV3Schema: schema },
      },
    ],
  },
};

export async function installWidgets(cluster: ApiServer): Promise<void> {
  const created = await cluster.kubectl('apply', '--server-side', '-f', '-', { input: JSON.stringify(definition) });
  if (created.code !== 0) throw new Error(created.stderr);
  const ready = await cluster.kubectl('wait', '--for=condition=Established', '--timeout=60s', 'crd/widgets.test.virtwright.io');
  if (ready.code !== 0) throw new Error(ready.stderr);
  // Established comes before every path is served.
  for (let tries = 0; tries < 100; tries++) if ((await cluster.kubectl('get', 'widgets', '-A')).code === 0) return;
  throw new Error('widgets are not served');
}

/** Makes so many widgets, `w-0` and on: behind kube-apiserver in etcd, in seconds where creating them would take a minute. */
export async function seedWidgets(cluster: ApiServer, namespace: string, count: number): Promise<void> {
  if (cluster.etcdUrl === undefined) return createWidgets(cluster, namespace, count);
  const batch = 100;
  for (let first = 0; first < count; first += batch) {
    const puts = Array.from({ length: Math.min(batch, count - first) }, (_, index) => ({
      requestPut: storedWidget(namespace, `w-${first + index}`),
    }));
    const response = await fetch(`${cluster.etcdUrl}/v3/kv/txn`, { method: 'POST', body: JSON.stringify({ success: puts }) });
    if (!response.ok) throw new Error(`etcd took no widgets: ${await response.text()}`);
  }
}

async function createWidgets({ kubeconfigPath }: ApiServer, namespace: string, count: number): Promise<void> {
  await using client = createClient(await loadKubeConfig(kubeconfigPath));
  const widgets = { group: 'test.virtwright.io', version: 'v1', plural: 'widgets', kind: 'Widget', namespaced: true };
  const batch = 100;
  for (let first = 0; first < count; first += batch) {
    const names = Array.from({ length: Math.min(batch, count - first) }, (_, index) => `w-${first + index}`);
    await Promise.all(
      names.map((name) => client.create(widgets, { metadata: { namespace, name }, spec: { size: 1 } }, AbortSignal.timeout(60_000))),
    );
  }
}

function storedWidget(namespace: string, name: string): { readonly key: string; readonly value: string } {
  const metadata = { name, namespace, uid: randomUUID(), creationTimestamp: '2026-01-01T00:00:00Z', generation: 1 };
  const object = { apiVersion: 'test.virtwright.io/v1', kind: 'Widget', metadata, spec: { size: 1 } };
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return { key: base64(`/registry/test.virtwright.io/widgets/${namespace}/${name}`), value: base64(JSON.stringify(object)) };
}
