import type { Crd, Schema } from './schema.js';

const preamble = `# The API

Group \`virtwright.io\`, version \`v1alpha1\`. Made from the CRDs in \`crds/\` by \`node dist/crds/generate.js\`; the same words come
from \`kubectl explain\`. **Bold** fields are required. Examples stand in \`manifests/\`.
`;

/** The text of docs/api.md. */
export function renderReference(crds: readonly Crd[]): string {
  return [preamble, ...crds.map(kind)].join('\n');
}

function kind({ spec: { names, scope, versions } }: Crd): string {
  const { description, properties = {} } = versions[0].schema.openAPIV3Schema;
  const words = [
    scope === 'Cluster' ? 'Cluster-wide' : 'In a namespace',
    `\`kubectl get ${[names.plural, ...(names.shortNames ?? [])].join('|')}\``,
  ];
  return [
    `## ${names.kind}\n`,
    `${description} ${words.join('; ')}.\n`,
    list('spec', properties['spec'] ?? {}),
    list('status', properties['status'] ?? {}),
  ].join('\n');
}

function list(name: string, schema: Schema): string {
  return `### ${name}\n\n${items('', schema).join('')}`;
}

function items(prefix: string, { properties = {}, required = [], ...schema }: Schema): readonly string[] {
  if (schema.items) return items(prefix, schema.items);
  return Object.entries(properties).flatMap(([name, field]) => {
    const path = `${prefix}${name}${field.type === 'array' ? '[]' : ''}`;
    const shown = required.includes(name) ? `**\`${path}\`**` : `\`${path}\``;
    return [`- ${shown} (${typeOf(field)}): ${field.description}\n`, ...items(`${path}.`, field)];
  });
}

function typeOf(field: Schema): string {
  if (field['x-kubernetes-int-or-string']) return 'size';
  if (field.enum) return field.enum.map((word) => `\`${word}\``).join(', ');
  if (field.additionalProperties) return 'map of texts';
  if (field.format === 'date-time') return 'time';
  if (field.type === 'array') return field.items?.type === 'object' ? 'list' : 'list of texts';
  return { string: 'text', integer: 'number', boolean: '`true`, `false`', object: 'object' }[field.type ?? 'object'];
}
