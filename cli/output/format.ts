import type { KubernetesObject } from '#controllers/kubernetes/resource.js';
import { Complaint } from '../complaint.js';
import { suggestion } from '../nearest.js';
import type { Served } from '../server/discovery.js';
import { called } from '../server/targets.js';
import { type JsonPath, parseJsonPath, plain, valuesAt } from './jsonpath.js';
import { arranged, jsonText, listOf, yamlText } from './object.js';
import { harmless } from './text.js';

/** How objects are shown. */
export type Format =
  | { readonly kind: 'table'; readonly wide: boolean }
  | { readonly kind: 'json' | 'yaml' | 'name' }
  | { readonly kind: 'jsonpath'; readonly path: JsonPath };

export type ObjectFormat = Exclude<Format, { readonly kind: 'table' }>;

const words = ['table', 'wide', 'json', 'yaml', 'name'];

/** Throws a Complaint for what is none. */
export function formatOf(text: string): Format {
  if (text === 'table' || text === 'wide') return { kind: 'table', wide: text === 'wide' };
  if (text === 'json' || text === 'yaml' || text === 'name') return { kind: text };
  if (text.startsWith('jsonpath=')) return { kind: 'jsonpath', path: parseJsonPath(text.slice('jsonpath='.length)) };
  throw new Complaint(`--output: "${text}" given, accepted: ${words.join(', ')}, jsonpath=PATH${suggestion(text, words)}`);
}

interface Shown {
  readonly resource: Served;
  readonly object: KubernetesObject;
}

/** `single`: one was asked for by name, and stands for itself instead of in a list. */
export function objectText(shown: readonly Shown[], format: ObjectFormat, single: boolean): string {
  const whole = () => (single && shown[0] !== undefined ? arranged(shown[0].object) : listOf(shown.map(({ object }) => object)));
  switch (format.kind) {
    case 'json':
      return jsonText(whole());
    case 'yaml':
      return yamlText(whole());
    case 'name':
      return shown.map(({ resource, object }) => `${called(resource, object.metadata.name)}\n`).join('');
    case 'jsonpath': {
      const found = valuesAt(whole(), format.path).map(plain);
      return found.length === 0 ? '' : `${harmless(found.join(' '))}\n`;
    }
  }
}
