import type { KubernetesObject } from '#controllers/kubernetes/resource.js';
import { conditionsOf, isCurrent, type SeenCondition } from '../conditions.js';
import { ageText } from '../duration.js';
import { isJson, type Json, list } from '../json.js';
import type { Paint } from '../output/colour.js';
import { yamlText } from '../output/object.js';
import { aligned, harmless, oneLine } from '../output/text.js';

/** One object on a page, less what is related to it and what happened. Pure. */
export function objectPage(object: KubernetesObject, now: number, paint: Paint): string {
  const sections = [
    header(object, now),
    ...standing(object, now, paint),
    ...body(object).map(([title, value]) => `${title}:\n${indented(unsigned(yamlText(value)))}`),
  ];
  return sections.join('\n');
}

const indented = (text: string): string => harmless(text).replace(/^(?=.)/gm, '  ');

/** Who lets himself in by a URL has written a secret into it. */
const unsigned = (text: string): string => text.replace(/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@'"]*@/gi, '$1***@');

function header({ apiVersion, kind, metadata }: KubernetesObject, now: number): string {
  const {
    name,
    namespace,
    labels = {},
    annotations = {},
    creationTimestamp,
    deletionTimestamp,
    ownerReferences = [],
    finalizers = [],
  } = metadata;
  const pairs = (map: Readonly<Record<string, string>>) => Object.entries(map).map(([key, value]) => `${key}=${value}`);
  const shown = Object.fromEntries(
    Object.entries(annotations).filter(([key]) => key !== 'kubectl.kubernetes.io/last-applied-configuration'),
  );
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ['Name', [name]],
    ['Namespace', namespace === undefined ? [] : [namespace]],
    ['Kind', [`${kind} (${apiVersion})`]],
    ['Labels', pairs(labels)],
    ['Annotations', pairs(shown)],
    ['Owned by', ownerReferences.map((owner) => `${owner.kind}/${owner.name}`)],
    ['Created', [`${creationTimestamp} (${ageText(now - Date.parse(creationTimestamp))} ago)`]],
    ['Deleted', deletionTimestamp === undefined ? [] : [`${deletionTimestamp}, held by ${finalizers.join(', ') || 'nobody'}`]],
  ];
  const lines = rows.flatMap(([title, values]) => values.map((value, at) => [at === 0 ? `${title}:` : '', oneLine(unsigned(value))]));
  return aligned(lines);
}

/** What a tired person wants first: whether it is as it should be, what is not, and what was tried. */
function standing(object: KubernetesObject, now: number, paint: Paint): readonly string[] {
  const status = isJson(object.status) ? object.status : {};
  const conditions = conditionsOf(object);
  return [
    ...(conditions.length === 0 ? [] : [`Conditions:\n${conditionTable(object, conditions, now, paint)}`]),
    ...listed('Waiting for the next start', status['pendingChanges'], ['field', 'class', 'reason']),
    ...listed('Hosts that do not take it', isJson(status['placement']) ? status['placement']['rejected'] : undefined, [
      'hypervisor',
      'reason',
      'message',
    ]),
    ...listed('Hosts where it is not ready', status['failing'], ['hypervisor', 'message']),
  ];
}

function conditionTable(object: KubernetesObject, conditions: readonly SeenCondition[], now: number, paint: Paint): string {
  const rows = conditions.map((one) => [
    one.type,
    one.status,
    ageText(now - Date.parse(one.lastTransitionTime)),
    one.reason,
    `${isCurrent(object, one) ? '' : '(of its former spec) '}${one.message}`,
  ]);
  const text = aligned([['TYPE', 'STATUS', 'FOR', 'REASON', 'MESSAGE'], ...rows].map((row) => ['', ...row.map(oneLine)]));
  const ready = conditions.find(({ type }) => type === 'Ready')?.status;
  const colour = ready === 'True' ? 'green' : ready === 'False' ? 'red' : 'yellow';
  return text.replace(/^( +Ready +)(\S+)/m, (_, before: string, word: string) => before + paint(word, colour));
}

function listed(title: string, value: unknown, fields: readonly string[]): readonly string[] {
  const rows = list(value).map((one) => fields.map((field) => oneLine(`${one[field] ?? ''}`)));
  return rows.length === 0 ? [] : [`${title}:\n${aligned(rows.map((row) => ['', ...row]))}`];
}

/** All that is left, as YAML; of a Secret its keys alone, and of a host not each field that it accepts. */
function body(object: KubernetesObject): readonly (readonly [string, unknown])[] {
  const { apiVersion, kind, metadata: _, spec, status, ...rest } = object as unknown as Json;
  const isSecret = kind === 'Secret' && apiVersion === 'v1';
  const sized = (value: unknown) =>
    isJson(value)
      ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, `${Buffer.from(`${one}`, 'base64').length} bytes`]))
      : {};
  const secret = { type: rest['type'], data: sized(rest['data']) };
  const others = Object.entries(isSecret ? secret : rest).filter(([, value]) => value !== undefined);
  return [
    ...(spec === undefined ? [] : [['Spec', withoutGuestsSecrets(spec)] as const]),
    ...(isJson(status) ? [['Status', brief(status)] as const] : []),
    ...others.map(([key, value]) => [key.charAt(0).toUpperCase() + key.slice(1), value] as const),
  ];
}

/** What a guest is told may hold passwords. */
function withoutGuestsSecrets(spec: unknown): unknown {
  if (!isJson(spec)) return spec;
  const told = ['cloudInit', 'ignition', 'sysprep'].filter((field) => isJson(spec[field]));
  const hidden = (value: unknown) => (typeof value === 'string' ? `${Buffer.byteLength(value)} bytes; get -o yaml shows them` : value);
  const covered = (fields: unknown) => Object.fromEntries(Object.entries(fields as Json).map(([key, value]) => [key, hidden(value)]));
  return { ...spec, ...Object.fromEntries(told.map((field) => [field, covered(spec[field])])) };
}

function brief(status: Json): Json {
  const { conditions: _, pendingChanges: __, failing: ___, capabilities, ...rest } = status;
  const fields = Array.isArray(capabilities) ? { capabilities: `${capabilities.length} fields are accepted; get -o yaml shows them` } : {};
  return { ...rest, ...fields };
}
