import type { JsonObject } from '../json.js';
import type { Schema } from '../schema/schema.js';
import { readSchema } from '../schema/schema.js';
import { type Validate, validator } from '../schema/validate.js';
import { type NameRule, withMetadata } from './metadata.js';

/** A column of a table, as a CRD has it. */
export interface Column {
  readonly name: string;
  readonly type: string;
  readonly jsonPath: string;
  readonly description: string;
  readonly format: string;
  /** Above 0 only with `-o wide`. */
  readonly priority: number;
}

export interface Scale {
  readonly specReplicasPath: string;
  readonly statusReplicasPath: string;
  readonly labelSelectorPath?: string;
}

/** What a kind of objects is, in one version of its group. */
export interface ResourceDefinition {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly listKind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly raw: JsonObject;
  readonly hasStatus: boolean;
  readonly scale?: Scale;
  readonly columns: readonly Column[];
  /** Paths by which fields are selected, beside name and namespace: `.status.hypervisor`. */
  readonly selectable: readonly string[];
  readonly nameRule: NameRule;
  /** Where the objects are kept: all versions of a kind at one place. */
  readonly storage: string;
  /** A change of the spec counts. */
  readonly hasGeneration: boolean;
  /** Comes with the server: strategic merge patches are taken as merge patches by key. */
  readonly isBuiltIn: boolean;
  /** Names of objects that are always there: nobody deletes them. */
  readonly permanent?: readonly string[];
  /** Takes what was sent to what is kept, and back. */
  readonly toStored?: (object: JsonObject) => JsonObject;
  readonly fromStored?: (object: JsonObject) => JsonObject;
  /** What is wrong with it beyond its schema. */
  readonly check?: Validate;
}

export interface Resource extends ResourceDefinition {
  readonly schema: Schema;
  readonly validate: Validate;
  readonly apiVersion: string;
  /** `widgets.example.com` */
  readonly fullName: string;
}

export const apiVersionOf = (group: string, version: string): string => (group === '' ? version : `${group}/${version}`);

/** What judges its values is made when the first one comes: most kinds of a server are not written in most of its lives. */
export function makeResource(definition: ResourceDefinition): Resource {
  const schema = readSchema(withMetadata(definition.raw));
  const { check, group, version, plural } = definition;
  let fits: Validate | undefined;
  return {
    ...definition,
    schema,
    validate: (value, old) => {
      fits ??= validator(schema);
      return [...fits(value, old), ...(check?.(value, old) ?? [])];
    },
    apiVersion: apiVersionOf(group, version),
    fullName: group === '' ? plural : `${plural}.${group}`,
  };
}
