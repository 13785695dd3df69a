import { type JsonObject, objectAt } from '../json.js';
import { metadataOf } from '../resources/metadata.js';

/** When an event was last seen, in milliseconds since 1970; 0 when it does not say. */
export function lastTime(event: JsonObject): number {
  const { lastObservedTime } = objectAt(event, 'series');
  const { deprecatedLastTimestamp, eventTime } = event;
  const times = [lastObservedTime, deprecatedLastTimestamp, eventTime, metadataOf(event)['creationTimestamp']];
  return Math.max(0, ...times.map((time) => (typeof time === 'string' ? Date.parse(time) : 0)).filter((time) => !Number.isNaN(time)));
}
