import { isObject, type Json, type JsonObject, objectAt } from '../json.js';

/** An event has two faces: `v1` and `events.k8s.io/v1`. It is kept in the newer one. New name to old name. */
const names: Readonly<Record<string, string>> = {
  regarding: 'involvedObject',
  note: 'message',
  reportingController: 'reportingComponent',
  deprecatedSource: 'source',
  deprecatedFirstTimestamp: 'firstTimestamp',
  deprecatedLastTimestamp: 'lastTimestamp',
  deprecatedCount: 'count',
};
const olds = Object.fromEntries(Object.entries(names).map(([name, old]) => [old, name]));

function renamed(object: JsonObject, by: Readonly<Record<string, string>>, apiVersion: string): JsonObject {
  const entries = Object.entries(object).map(([key, value]): readonly [string, Json] => [
    Object.hasOwn(by, key) ? (by[key] ?? key) : key,
    value,
  ]);
  return { ...Object.fromEntries(entries), apiVersion, kind: 'Event' };
}

export const newEvent = (object: JsonObject): JsonObject => renamed(object, olds, 'events.k8s.io/v1');

/** What tells of a series in the newer words, tells of a count and a last time in the older ones. */
export function oldEvent(object: JsonObject): JsonObject {
  const old = renamed(object, names, 'v1');
  const series = object['series'];
  const source = {
    component: object['reportingController'] ?? '',
    ...(object['reportingInstance'] === undefined ? {} : { host: object['reportingInstance'] }),
  };
  return {
    ...old,
    source: Object.keys(objectAt(old, 'source')).length === 0 ? source : (old['source'] ?? {}),
    ...(isObject(series) && old['count'] === undefined
      ? { count: series['count'] ?? 1, lastTimestamp: series['lastObservedTime'] ?? null }
      : {}),
  };
}
