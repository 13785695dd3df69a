import type { Crd, Schema } from './schema.js';

/** Shapes that mean the same wherever they stand have one type; the generator refuses two schemas for one of them. */
const shared: readonly { readonly name: string; readonly property: RegExp }[] = [
  { name: 'Condition', property: /^condition$/ },
  { name: 'SecretKeyRef', property: /(Data|config|answerFile|password)SecretRef$/ },
  { name: 'NetworkRef', property: /^defaultNetworkRef$/ },
  { name: 'Ref', property: /Ref$/ },
  { name: 'Selector', property: /^(selector|.+Selector)$/ },
  { name: 'NamespaceChoice', property: /^(namespaces|allowedNamespaces)$/ },
];

const preamble = `// Generated from the CRDs by \`node dist/crds/generate.js\`: edit the YAML instead.
// A field of a spec that has a default in its CRD is always there, as the API server fills it in.

export interface ObjectMeta {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation: number;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
}

export interface NamespacedObjectMeta extends ObjectMeta {
  readonly namespace: string;
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** A size: bytes, or a Kubernetes quantity as \`8Gi\`. */
export type Size = number | string;
`;

/** The text of types.ts. Throws where a schema says what the types cannot. */
export function renderTypes(crds: readonly Crd[]): string {
  const types = new Map<string, string>();
  for (const crd of crds) addKind(types, crd);
  return [preamble, ...types.values(), ...crds.map(descriptor), kinds(crds)].join('\n');
}

/** Type name to its text. */
type Types = Map<string, string>;

function addKind(types: Types, { spec: { group, scope, names, versions } }: Crd): void {
  const { description, properties = {} } = versions[0].schema.openAPIV3Schema;
  declare(types, names.kind, () => [
    comment(description, ''),
    `export interface ${names.kind} {\n`,
    `  readonly apiVersion: '${group}/${versions[0].name}';\n`,
    `  readonly kind: '${names.kind}';\n`,
    `  readonly metadata: ${scope === 'Namespaced' ? 'NamespacedObjectMeta' : 'ObjectMeta'};\n`,
    property(types, names.kind, 'spec', properties['spec'] ?? {}, true),
    property(types, names.kind, 'status', withoutDefaults(properties['status'] ?? {}), false),
    '}\n',
  ]);
}

/** What stands in a status until somebody writes it is not what somebody writes: see `decode`. */
function withoutDefaults({ default: _, properties = {}, ...schema }: Schema): Schema {
  const plain = Object.entries(properties).map(([name, { default: _, ...field }]) => [name, field] as const);
  return { ...schema, properties: Object.fromEntries(plain) };
}

/** Keeps a place for the type first, so that it stands above those that it is made of. */
function declare(types: Types, name: string, lines: () => readonly string[]): string {
  const before = types.get(name);
  types.set(name, before ?? '');
  const text = lines().join('');
  if (before !== undefined && before !== text) throw new Error(`two different shapes are called ${name}:\n${before}${text}`);
  types.set(name, text);
  return name;
}

function property(types: Types, parent: string, name: string, schema: Schema, required: boolean): string {
  const optional = required || schema.default !== undefined ? '' : '?';
  return `${comment(schema.description, '  ')}  readonly ${name}${optional}: ${typeOf(types, parent, name, schema)};\n`;
}

function typeOf(types: Types, parent: string, name: string, schema: Schema): string {
  if (schema['x-kubernetes-int-or-string']) return 'Size';
  if (schema.enum) return schema.enum.map((word) => `'${word}'`).join(' | ');
  switch (schema.type) {
    case 'string':
      return 'string';
    case 'integer':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'array':
      return list(typeOf(types, parent, singular(name), schema.items ?? {}));
    case 'object':
      return objectType(types, parent, name, schema);
    default:
      throw new Error(`${parent}.${name} has type ${schema.type}; object, array, string, integer and boolean have one in TypeScript`);
  }
}

function objectType(types: Types, parent: string, name: string, schema: Schema): string {
  const { additionalProperties, properties } = schema;
  if (additionalProperties) return `Readonly<Record<string, ${typeOf(types, parent, name, additionalProperties)}>>`;
  if (!properties) return 'Readonly<Record<string, never>>';
  const common = shared.find((candidate) => candidate.property.test(name))?.name;
  return declareObject(types, common ?? `${parent}${pascal(name)}`, common !== undefined, schema);
}

/** A shared type has no comments: they are about the places where it stands. */
function declareObject(types: Types, name: string, isShared: boolean, { properties = {}, required = [] }: Schema): string {
  const lines = () =>
    Object.entries(properties).map(([key, schema]) => {
      const plain = isShared ? { ...schema, description: '' } : schema;
      return property(types, name, key, plain, required.includes(key));
    });
  return declare(types, name, () => [`export interface ${name} {\n`, ...lines(), '}\n']);
}

function descriptor({ spec: { group, scope, names, versions } }: Crd): string {
  const fields = `group: '${group}', version: '${versions[0].name}', plural: '${names.plural}', kind: '${names.kind}'`;
  const variable = names.kind.charAt(0).toLowerCase() + names.kind.slice(1) + names.plural.slice(names.kind.length);
  return `export const ${variable} = { ${fields}, namespaced: ${scope === 'Namespaced'} } as const;`;
}

function kinds(crds: readonly Crd[]): string {
  const entries = crds.map(({ spec: { names } }) => `  readonly ${names.kind}: ${names.kind};\n`);
  return `\n/** Kind to type. */\nexport interface Kinds {\n${entries.join('')}}\n`;
}

function comment(text: string | undefined, indent: string): string {
  if (!text) return '';
  const words = text.split(/\s+/).filter((word) => word !== '');
  const lines: string[] = [];
  for (const word of words) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + word.length < 120) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}\n`).join('')}${indent} */\n`;
}

const list = (item: string) => (item.includes(' | ') ? `readonly (${item})[]` : `readonly ${item}[]`);
const singular = (name: string) => name.replace(/ies$/, 'y').replace(/s$/, '');
const pascal = (name: string) => name.charAt(0).toUpperCase() + name.slice(1);
