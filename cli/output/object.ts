import { dump } from 'js-yaml';

// What JSON leaves as it is, and some terminals obey.
const invisible = /[\u007f-\u009f]/g;

export const jsonText = (value: unknown): string =>
  `${JSON.stringify(value, null, 4).replace(invisible, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`;

export const yamlText = (value: unknown): string => dump(value, { noRefs: true, lineWidth: -1 });

type Fields = Readonly<Record<string, unknown>>;

/** Which it is comes first, then who, then the rest as it came. */
export function arranged(object: object): Fields {
  const { apiVersion, kind, metadata, ...rest } = object as Fields;
  return { apiVersion, kind, metadata, ...rest };
}

/** Several as one. */
export const listOf = (items: readonly object[]): Fields => ({
  apiVersion: 'v1',
  kind: 'List',
  metadata: { resourceVersion: '' },
  items: items.map(arranged),
});
