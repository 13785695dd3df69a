import { randomBytes } from 'node:crypto';
import type { KubernetesObject, Resource } from './resource.js';

export const events: Resource = { group: 'events.k8s.io', version: 'v1', plural: 'events', kind: 'Event', namespaced: true };

export interface EventText {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, e.g. `Started`: why. */
  readonly reason: string;
  /** CamelCase, e.g. `Starting`: what was being done. Default: the reason. */
  readonly action?: string;
  /** For people; cut at 1 KiB. */
  readonly note: string;
}

/** Who speaks. */
export interface Reporter {
  readonly controller: string;
  readonly instance: string;
}

/** One thing that happens to one object, however often. Times in milliseconds since 1970. */
export interface Occurrences {
  readonly about: KubernetesObject;
  readonly text: EventText;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly count: number;
}

export function eventOf(occurrences: Occurrences, { controller, instance }: Reporter) {
  const { apiVersion, kind, metadata } = occurrences.about;
  const { type, reason, action = reason, note } = occurrences.text;
  const { name, namespace, uid, resourceVersion } = metadata;
  const regarding = { apiVersion, kind, name, uid, resourceVersion, ...(namespace !== undefined && { namespace }) };
  return {
    metadata: { name: eventName(name), namespace: namespace ?? 'default' },
    eventTime: microTime(occurrences.firstAt),
    type,
    reason: cut(reason, 128),
    action: cut(action, 128),
    note: cut(note, 1024),
    regarding,
    reportingController: controller,
    reportingInstance: cut(instance, 128),
    ...(occurrences.count > 1 && seriesOf(occurrences)),
  };
}

/** What changes when it happens again. */
export function seriesOf({ count, lastAt }: Occurrences) {
  return { series: { count, lastObservedTime: microTime(lastAt) } };
}

/** Some kinds allow names that events may not have. */
function eventName(about: string): string {
  const base = about.slice(0, 200).replace(/[^a-z0-9]+$/, '');
  return `${/^[a-z0-9][-.a-z0-9]*$/.test(base) ? base : 'object'}.${randomBytes(8).toString('hex')}`;
}

function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

/** To so many bytes, between characters. */
function cut(text: string, bytes: number): string {
  const encoded = Buffer.from(text);
  if (encoded.length <= bytes) return text;
  let end = bytes - 3;
  while (((encoded[end] ?? 0) & 0xc0) === 0x80) end--;
  return `${encoded.toString('utf8', 0, end)}…`;
}
