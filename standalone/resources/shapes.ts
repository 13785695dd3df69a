import type { JsonObject } from '../json.js';
import type { Column, ResourceDefinition } from './resource.js';

export const text = { type: 'string' };
export const whole = { type: 'integer' };
export const time = { type: 'string', format: 'date-time', nullable: true };
export const texts = { type: 'object', additionalProperties: text };
export const bytes = { type: 'object', additionalProperties: { type: 'string', format: 'byte' } };
export const list = (items: JsonObject) => ({ type: 'array', items });
export const listBy = (items: JsonObject, ...keys: readonly string[]) => ({
  ...list(items),
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': keys,
});
export const map = (properties: JsonObject, required: readonly string[] = []) => ({
  type: 'object',
  properties,
  ...(required.length === 0 ? {} : { required }),
});
/** Whatever is in it. */
export const anyObject = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
export const reference = {
  ...map({ apiVersion: text, kind: text, name: text, namespace: text, uid: text, resourceVersion: text, fieldPath: text }),
  'x-kubernetes-map-type': 'atomic',
};
export const condition = map(
  { type: text, status: text, reason: text, message: text, lastTransitionTime: time, observedGeneration: whole },
  ['type', 'status'],
);

export const column = (name: string, jsonPath: string, type = 'string', priority = 0): Column => ({
  name,
  type,
  jsonPath,
  description: '',
  format: '',
  priority,
});
export const age = column('Age', '.metadata.creationTimestamp', 'date');

/** A kind that comes with the server, as far as it is not as most of them are. */
export type Kind = Partial<ResourceDefinition> &
  Pick<ResourceDefinition, 'plural' | 'kind'> & {
    readonly properties: JsonObject;
    readonly required?: readonly string[];
    readonly description: string;
  };
