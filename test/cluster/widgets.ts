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
