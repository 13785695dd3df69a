import { readFileSync } from 'node:fs';
import { loadAll } from 'js-yaml';
import t from 'tap';

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

const read = (name: string) =>
  loadAll(readFileSync(new URL(`../../manifests/${name}`, import.meta.url), 'utf8')).filter((one) => one !== null) as Manifest[];

/** The whole of it is compared where Helm runs, in test/cluster/chart.test.ts. */
t.test('manifests/install.yaml gives the rights of manifests/rbac.yaml, and narrows them', async (t) => {
  const installed = read('install.yaml');
  for (const wanted of [...read('rbac.yaml'), ...read('own-hosts.yaml')].filter(({ kind }) => kind !== 'Namespace')) {
    const found = installed.find(({ kind, metadata }) => kind === wanted.kind && metadata.name === wanted.metadata.name);
    t.same(found, wanted, `charts/render.sh writes ${wanted.kind} ${wanted.metadata.name} anew`);
  }
});
