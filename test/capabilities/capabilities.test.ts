import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { readCrds, type Schema } from '#crds/schema.js';
import { dialectOf } from '#drivers/libvirt/dialects/by-driver.js';
import { AssetsMissing } from '#test/peers/build.js';
import { currentPage, page } from './columns.js';
import { driverFields } from './fields.js';
import { ownFields } from './own-fields.js';
import { proofs } from './proofs.js';
import { replayed } from './replay.js';
import { sources } from './sources.js';

const top = new URL('../../../', import.meta.url);
const text = (path: string | URL): string => readFileSync(new URL(path, top), 'utf8');
const capabilitiesIn = (markdown: string): readonly string[] =>
  [...markdown.matchAll(/^\| `([\w.]+)` \|/gm)].map(([, field = '']) => field);

function leaves({ properties, items, type }: Schema, path: string): readonly string[] {
  if (items !== undefined) return leaves(items, `${path}[]`);
  if (properties === undefined || (type === 'object' && Object.keys(properties).length === 0)) return [path];
  return Object.entries(properties).flatMap(([name, schema]) => leaves(schema, path === '' ? name : `${path}.${name}`));
}

t.test('every field of machines, volumes, pools and networks is a driver’s or our own', async (t) => {
  const crds = readCrds();
  const fields = ['VirtualMachine', 'StorageVolume', 'StoragePool', 'VirtualNetwork'].flatMap((kind) => {
    const spec = crds.get(kind)?.spec.versions[0].schema.openAPIV3Schema.properties?.['spec'];
    return spec === undefined ? [] : leaves(spec, '').map((path) => `${kind} ${path}`);
  });
  t.same([...driverFields.map(({ field }) => field), ...ownFields].sort(), [...fields].sort());
});

t.test('every capability has a proof, and every proof is a test that is there', async (t) => {
  const listed = capabilitiesIn(text(page));
  t.ok(listed.length > 5);
  t.same([...listed].sort(), Object.keys(proofs).sort());
  t.same(
    driverFields.filter(({ capability }) => !listed.includes(capability)),
    [],
  );
  const named = Object.values(sources).flatMap(({ tests = {} }) => Object.values(tests));
  for (const { file, sentence } of [...Object.values(proofs).flat(), ...named]) t.ok(text(file).includes(sentence), `${file}: ${sentence}`);
  for (const [capability, those] of Object.entries(proofs)) t.ok(those.length > 0, capability);
});

const unable = process.getuid?.() !== 0 || !existsSync('/usr/sbin/libvirtd') ? 'needs root and libvirtd' : false;

t.test('docs/capabilities.md is what the hosts say', { skip: unable }, async (t) => {
  const said = await currentPage(AbortSignal.timeout(100_000)).catch((reason) => {
    if (!(reason instanceof AssetsMissing) || process.env['CI'] === 'true') throw reason;
    return undefined;
  });
  if (said === undefined) t.pass('the page as it is said', { skip: 'needs Go' });
  else t.equal(said, text(page), 'make it anew: node dist/test/capabilities/generate.js');
});

t.test('a host that nobody tried says so, and takes what its dialect takes', async (t) => {
  const signal = AbortSignal.timeout(30_000);
  for (const [driver, name, takes] of [
    ['bhyve', 'bhyve', true],
    ['ch', 'cloud-hypervisor', true],
    ['vz', 'virtuozzo', false],
    ['vbox', 'virtualbox', false],
  ] as const) {
    const recording = { column: driver, type: name, capabilities: `dialects/capabilities-${name}` };
    await using host = await replayed(
      { ...recording, domainCapabilities: `dialects/domain-capabilities-${name}` },
      dialectOf(driver),
      signal,
    );
    const { provenOn, capabilities } = await host.host.describe(signal);
    t.equal(provenOn, 'GoldenFiles');
    t.equal(
      capabilities.some(({ field }) => field === 'cpu.count'),
      takes,
      name,
    );
  }
});
