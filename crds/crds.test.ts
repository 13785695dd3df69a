import { readFileSync } from 'node:fs';
import t from 'tap';
import { DecodeError, decode } from './decode.js';
import { renderReference } from './reference.js';
import { renderTypes } from './render.js';
import { type Crd, chartFolder, crdFolder, readCrds, readTexts, type Schema } from './schema.js';

const crds = [...readCrds().values()];

t.test('what is generated is current', async (t) => {
  const remedy = 'run: npx tsc -b && node dist/crds/generate.js';
  t.equal(readFileSync(new URL('types.ts', crdFolder), 'utf8'), renderTypes(crds), remedy);
  t.equal(readFileSync(new URL('../docs/api.md', crdFolder), 'utf8'), renderReference(crds), remedy);
  t.same(readTexts(chartFolder), readTexts(crdFolder), remedy);
});

t.test('every list, map and text has a bound, and every field says what it is', async (t) => {
  for (const crd of crds)
    for (const [path, schema] of fieldsOf(crd)) {
      t.ok(isBounded(schema), `${path} is bounded`);
      t.match(schema.description, /\.$/, `${path} says what it is`);
    }
});

t.test('what may be left out says what happens then', async (t) => {
  for (const crd of crds)
    for (const [path, schema] of fieldsOf(crd)) {
      const required = new Set(schema.required ?? schema.items?.required);
      const inner = path.includes('.spec') ? Object.entries({ ...schema.properties, ...schema.items?.properties }) : [];
      for (const [name, field] of inner) if (!required.has(name)) t.match(field.description, /When absent|Only with/, `${path}.${name}`);
    }
});

t.test('no On, Off, Yes or No among the words, as YAML 1.1 makes booleans of them', async (t) => {
  for (const crd of crds)
    for (const [path, schema] of fieldsOf(crd))
      if (!path.endsWith('.conditions.status'))
        t.notOk(
          schema.enum?.some((word) => /^(on|off|yes|no|true|false|y|n)$/i.test(word)),
          path,
        );
});

type Bounds = Schema & { readonly [K in 'maxLength' | 'maxItems' | 'maxProperties']?: number };

function isBounded(schema: Bounds): boolean {
  if (schema.type === 'array') return schema.maxItems !== undefined;
  if (schema.additionalProperties) return schema.maxProperties !== undefined;
  if (schema.type === 'string' || schema['x-kubernetes-int-or-string'])
    return schema.maxLength !== undefined || schema.enum !== undefined || schema.format === 'date-time';
  return true;
}

function fieldsOf(crd: Crd): readonly (readonly [string, Bounds])[] {
  const { spec, status } = crd.spec.versions[0].schema.openAPIV3Schema.properties ?? {};
  return [...nested(`${crd.spec.names.kind}.spec`, spec ?? {}), ...nested(`${crd.spec.names.kind}.status`, status ?? {})];
}

function nested(path: string, schema: Schema): readonly (readonly [string, Bounds])[] {
  const inner = { ...schema.properties, ...schema.items?.properties };
  return [[path, schema] as const, ...Object.entries(inner).flatMap(([name, field]) => nested(`${path}.${name}`, field))];
}

t.test('the generator refuses one name for two shapes, and types it does not know', async (t) => {
  const kind = (properties: Record<string, Schema>): Crd => ({
    metadata: { name: 'things.example.org' },
    spec: {
      group: 'example.org',
      scope: 'Cluster',
      names: { kind: 'Thing', plural: 'things' },
      versions: [{ name: 'v1', schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties } } } } }],
    },
  });
  const ref = (key: string): Schema => ({ type: 'object', properties: { [key]: { type: 'string' } } });
  t.throws(() => renderTypes([kind({ aRef: ref('name'), bRef: ref('id') })]), { message: 'two different shapes are called Ref' });
  t.throws(() => renderTypes([kind({ a: {} })]), { message: 'ThingSpec.a has type undefined' });
});

function machine(spec: object, more: object = {}): object {
  const metadata = {
    name: 'db',
    namespace: 'shop',
    uid: 'u',
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
  };
  return { apiVersion: 'virtwright.io/v1alpha1', kind: 'VirtualMachine', metadata, spec, ...more };
}

t.test('decoding fills in the defaults that the types promise', async (t) => {
  const { spec } = decode('VirtualMachine', machine({ memory: { size: '1Gi' } }));
  t.strictSame(spec, { memory: { size: '1Gi' }, runStrategy: 'Always', stop: { mode: 'TrySoft', timeoutSeconds: 120 }, cpu: { count: 1 } });
});

t.test('decoding keeps fields of tomorrow', async (t) => {
  const raw = machine({ memory: { size: 1024 }, sockets: 2 });
  t.equal(decode('VirtualMachine', raw), raw);
  t.has(raw, { spec: { sockets: 2 } });
});

t.test('decoding names the object, the path, what was given and what would be accepted', async (t) => {
  const disk = { name: 'root', volumeRef: { name: 'db-root' } };
  const cases: readonly (readonly [object, string])[] = [
    [{}, 'VirtualMachine shop/db: spec has no memory'],
    [{ memory: { size: true } }, 'spec.memory.size is true, accepted: a whole number, or a quantity such as 8Gi'],
    [{ memory: { size: '8GB' } }, 'spec.memory.size is "8GB", accepted: text like ^[0-9]+'],
    [
      { memory: { size: 1 }, runStrategy: 'Allways' },
      'spec.runStrategy is "Allways", accepted: Always, RerunOnFailure, Once, Manual, Halted',
    ],
    [{ memory: { size: 1 }, cpu: { count: 513 } }, 'spec.cpu.count is 513, accepted: <= 512'],
    [{ memory: { size: 1 }, disks: [{ ...disk, bus: 'Floppy' }] }, 'spec.disks[0].bus is "Floppy", accepted: VirtioBlk'],
    [{ memory: { size: 1 }, disks: 'root' }, 'spec.disks is "root", accepted: array'],
  ];
  for (const [spec, message] of cases) t.throws(() => decode('VirtualMachine', machine(spec)), { name: 'DecodeError', message }, message);
});

t.test('decoding refuses what is no such object at all', async (t) => {
  const good = { memory: { size: '1Gi' } };
  t.throws(() => decode('VirtualMachine', null), { message: 'VirtualMachine without a name: the object is null, accepted: object' });
  t.throws(() => decode('Hypervisor', machine(good)), { message: 'kind is "VirtualMachine", accepted: Hypervisor' });
  t.throws(() => decode('VirtualMachine', machine(good, { metadata: { name: 'db' } })), { message: 'metadata has no namespace' });
  t.throws(() => decode('VirtualMachine', machine(good, { status: { run: { startedAt: 'noon' } } })), {
    message: 'status.run.startedAt is "noon"',
  });
  t.throws(() => decode('Toaster' as 'Hypervisor', {}), DecodeError);
});
