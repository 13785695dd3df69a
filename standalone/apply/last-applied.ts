import { isList, isObject, type Json, type JsonObject, objectAt, textAt, withKey, without } from '../json.js';
import { type Application, type Applied, apply } from './apply.js';
import { difference, type FieldSet, isEmpty, nothing } from './field-set.js';
import { ownable } from './managers.js';
import { compare, fieldsOf } from './structure.js';

/** What `kubectl apply` keeps of a manifest, where it is not the server that applies. */
const annotation = 'kubectl.kubernetes.io/last-applied-configuration';
/** Of all annotations of an object, in Kubernetes. */
const mostBytes = 256 * 1024;

/**
 * Applies, and lets kubectl go over from its own apply to the server's, as Kubernetes does: what it applied itself before is no conflict, and
 * the annotation goes on telling what was applied last.
 */
export function applyAs(asked: Application): Applied {
  const made = apply(asked);
  const before = textAt(objectAt(objectAt(asked.live, 'metadata'), 'annotations'), annotation);
  if (asked.by.manager !== 'kubectl' || before === '') return made;
  if (made.kind === 'merged') return { ...made, object: retold(made.object, asked.applied) };
  const own = unchangedSince(before, asked);
  const conflicts = made.conflicts.map((one) => ({ ...one, fields: difference(one.fields, own) })).filter(({ fields }) => !isEmpty(fields));
  if (made.conflicts.length === 0 || conflicts.length > 0) return { kind: 'conflict', conflicts };
  return applyAs({ ...asked, force: true });
}

/** What was applied then and is so still. Whoever may write annotations may have written anything there. */
function unchangedSince(text: string, { live, schema }: Application): FieldSet {
  try {
    const object = JSON.parse(text) as Json;
    if (!isObject(object)) return nothing;
    const { changed } = compare(ownable(object), ownable(live ?? {}), schema);
    return difference(fieldsOf(ownable(object), schema), changed);
  } catch {
    return nothing;
  }
}

function retold(object: JsonObject, applied: JsonObject): JsonObject {
  const metadata = objectAt(object, 'metadata');
  const annotations = objectAt(metadata, 'annotations');
  if (annotations[annotation] === undefined) return object;
  const given = objectAt(applied, 'metadata');
  const others = without(objectAt(given, 'annotations'), annotation);
  const told = { ...applied, metadata: withKey(given, 'annotations', Object.keys(others).length === 0 ? undefined : others) };
  const text = `${JSON.stringify(sorted(told))}\n`;
  const kept = Buffer.byteLength(text) > mostBytes ? undefined : text;
  return { ...object, metadata: { ...metadata, annotations: withKey(annotations, annotation, kept) } };
}

function sorted(value: Json): Json {
  if (isList(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([key, child]) => [key, sorted(child)] as const));
}
