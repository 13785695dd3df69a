import { isObject, type JsonObject, objectAt, withKey } from '../json.js';
import type { Edit, Objects } from '../requests/objects.js';
import { valueAt } from '../requests/path.js';
import type { Place } from '../requests/place.js';
import { badRequest, methodNotAllowed, unknownPath } from '../requests/status.js';
import { metadataOf } from '../resources/metadata.js';
import type { Scale } from '../resources/resource.js';
import type { Address } from './address.js';
import type { Answer } from './answer.js';
import { editOf } from './asked.js';
import { mediaType, readBody } from './body.js';
import { type Backend, type Call, optionsFor } from './call.js';

/** What is asked of `/scale`. */
export async function scaleAnswer(call: Call, { resource, namespace, name }: Address, objects: Objects, backend: Backend): Promise<Answer> {
  const place = { resource, namespace, name };
  const { scale } = resource;
  if (scale === undefined) throw unknownPath();
  if (call.method === 'GET') return { code: 200, body: scaleOf(objects.get(place), scale) };
  const edit = await scaleEdit(call, place, scale);
  return { code: 200, body: scaleOf(await objects.patch(place, edit, '', optionsFor(call, backend)), scale) };
}

async function scaleEdit(call: Call, { resource }: Place, scale: Scale): Promise<Edit> {
  if (call.method !== 'PUT' && call.method !== 'PATCH') throw methodNotAllowed();
  const type = mediaType(call.request);
  const { value } = await readBody(call.request);
  const change = call.method === 'PUT' ? () => (isObject(value) ? value : {}) : editOf(type, value, resource);
  return (object) => {
    const replicas = objectAt(change(scaleOf(object, scale)), 'spec')['replicas'];
    if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 0)
      throw badRequest('spec.replicas: accepted: a whole number, 0 or more');
    return setAt(object, scale.specReplicasPath.split('.').slice(1), replicas);
  };
}

/** How many of something there are to be, as `kubectl scale` sees it. */
function scaleOf(object: JsonObject, { specReplicasPath, statusReplicasPath, labelSelectorPath }: Scale): JsonObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadataOf(object);
  const given = Object.entries({ name, namespace, uid, resourceVersion, creationTimestamp }).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value] as const],
  );
  const selector = labelSelectorPath === undefined ? undefined : valueAt(object, labelSelectorPath);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: Object.fromEntries(given),
    spec: { replicas: valueAt(object, specReplicasPath) ?? 0 },
    status: { replicas: valueAt(object, statusReplicasPath) ?? 0, ...(typeof selector === 'string' ? { selector } : {}) },
  };
}

function setAt(object: JsonObject, path: readonly string[], value: number): JsonObject {
  const [key, ...rest] = path;
  if (key === undefined) return object;
  return withKey(object, key, rest.length === 0 ? value : setAt(objectAt(object, key), rest, value));
}
