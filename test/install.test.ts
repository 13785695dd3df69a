import { readdirSync, readFileSync } from 'node:fs';
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

t.test('nothing in the chart is a link, which what packs folders may drop', async (t) => {
  const chart = new URL('../../charts/virtwright/', import.meta.url);
  const entries = readdirSync(chart, { recursive: true, withFileTypes: true });
  t.same(
    entries.filter((entry) => !entry.isFile() && !entry.isDirectory()).map(({ name }) => name),
    [],
  );
  for (const name of ['rbac.yaml', 'own-hosts.yaml']) {
    const [copy, source] = [`charts/virtwright/files/${name}`, `manifests/${name}`].map((path) =>
      readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'),
    );
    t.equal(copy, source, 'make manifest copies it anew');
  }
});
