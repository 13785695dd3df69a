import { isObject, type Json, type JsonObject, objectAt } from '../json.js';
import { column, type Kind, map, reference, text, time, whole } from './shapes.js';

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

const newEvent = (object: JsonObject): JsonObject => renamed(object, olds, 'events.k8s.io/v1');

/** What tells of a series in the newer words, tells of a count and a last time in the older ones. */
function oldEvent(object: JsonObject): JsonObject {
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

const eventFields = {
  action: text,
  eventTime: { ...text, nullable: true },
  reason: text,
  type: text,
  reportingInstance: text,
  related: reference,
};
const source = map({ component: text, host: text });
const eventSelectable = ['.reason', '.type', '.reportingComponent'];
const isOf = ['name', 'namespace', 'kind', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'];

export const eventKinds: readonly Kind[] = [
  {
    plural: 'events',
    kind: 'Event',
    description: 'Something that happened to an object; told for an hour.',
    shortNames: ['ev'],
    nameRule: 'path',
    storage: 'events.',
    properties: {
      ...eventFields,
      involvedObject: reference,
      message: text,
      source,
      firstTimestamp: time,
      lastTimestamp: time,
      count: whole,
      series: map({ count: whole, lastObservedTime: text }),
      reportingComponent: text,
    },
    selectable: [...eventSelectable, ...isOf.map((name) => `.involvedObject.${name}`)],
    toStored: newEvent,
    fromStored: oldEvent,
    columns: [
      column('Last Seen', '.lastTimestamp', 'date'),
      column('Type', '.type'),
      column('Reason', '.reason'),
      column('Object', '.involvedObject.name'),
      column('Message', '.message'),
    ],
  },
  {
    plural: 'events',
    kind: 'Event',
    description: 'Something that happened to an object; told for an hour.',
    group: 'events.k8s.io',
    shortNames: ['ev'],
    nameRule: 'path',
    storage: 'events.',
    properties: {
      ...eventFields,
      regarding: reference,
      note: text,
      series: map({ count: whole, lastObservedTime: text }),
      reportingController: text,
      deprecatedSource: source,
      deprecatedFirstTimestamp: time,
      deprecatedLastTimestamp: time,
      deprecatedCount: whole,
    },
    selectable: ['.reason', '.type', '.reportingController', ...isOf.map((name) => `.regarding.${name}`)],
    columns: [
      column('Last Seen', '.eventTime', 'date'),
      column('Type', '.type'),
      column('Reason', '.reason'),
      column('Object', '.regarding.name'),
      column('Message', '.note'),
    ],
  },
];
