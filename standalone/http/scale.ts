import { type JsonObject, objectAt, withKey } from '../json.js';
import { valueAt } from '../requests/path.js';
import { metadataOf } from '../resources/metadata.js';
import type { Scale } from '../resources/resource.js';

/** How many of something there are to be, as `kubectl scale` sees it. */
export function scaleOf(object: JsonObject, { specReplicasPath, statusReplicasPath, labelSelectorPath }: Scale): JsonObject {
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

export function setAt(object: JsonObject, path: readonly string[], value: number): JsonObject {
  const [key, ...rest] = path;
  if (key === undefined) return object;
  return withKey(object, key, rest.length === 0 ? value : setAt(objectAt(object, key), rest, value));
}
