import type { JsonObject } from '../json.js';
import type { Resource } from '../resources/resource.js';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE';

/** Something that is about to be written. */
export interface Attempted {
  readonly operation: Operation;
  readonly resource: Resource;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** Nothing is written in the end. */
  readonly dryRun: boolean;
  /** As it would be; undefined for what goes. */
  readonly object: JsonObject | undefined;
  /** As it was; undefined for what comes. */
  readonly oldObject: JsonObject | undefined;
  /** What it lies in; undefined for what lies in none. */
  readonly namespaceObject: JsonObject | undefined;
}

/** Asked before anything is written. @throws StatusError when it is not to be */
export type Admit = (attempted: Attempted) => void;
