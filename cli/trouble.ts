import { ApiError } from '#controllers/kubernetes/client.js';
import { oneLine } from './output/text.js';
import type { Served } from './server/discovery.js';
import { called } from './server/targets.js';

/** What the server said, for people: its own words where there are some. */
export function whyNot(reason: unknown): string {
  if (!(reason instanceof ApiError)) return reason instanceof Error ? reason.message : String(reason);
  return oneLine(reason.words ?? reason.message);
}

export const absent = (resource: Served, name: string, namespace: string): string =>
  `there is no ${called(resource, oneLine(name))}${resource.namespaced ? ` in namespace "${namespace}"` : ''}`;

/** The same with each field on a line of its own, where there are several. */
export function fieldByField(reason: unknown): string {
  const causes = reason instanceof ApiError ? reason.causes.filter(({ field }) => field !== '') : [];
  if (causes.length === 0) return whyNot(reason);
  // Not every server tells them in an order of its own.
  const sorted = [...causes].sort((a, b) => (a.field < b.field ? -1 : a.field > b.field ? 1 : 0));
  return sorted.map(({ field, message }) => `\n  ${oneLine(field)}: ${oneLine(message)}`).join('');
}
