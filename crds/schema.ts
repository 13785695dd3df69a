import { readdirSync, readFileSync } from 'node:fs';
import { load } from 'js-yaml';

/** The part of a structural schema that our CRDs use. */
export interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'boolean';
  readonly description?: string;
  readonly format?: string;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly 'x-kubernetes-int-or-string'?: boolean;
}

export interface Crd {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly scope: 'Cluster' | 'Namespaced';
    readonly names: { readonly kind: string; readonly plural: string; readonly shortNames?: readonly string[] };
    readonly versions: readonly [{ readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } }];
  };
}

/** Where the YAML is: beside the sources, also when this runs compiled. */
export const crdFolder = new URL('../../crds/', import.meta.url);

/** Our CRDs, by kind. They are our own files: their form is not checked here but by the API server. */
export function readCrds(): ReadonlyMap<string, Crd> {
  const files = readdirSync(crdFolder)
    .filter((name) => name.endsWith('.yaml'))
    .sort();
  const crds = files.map((name) => load(readFileSync(new URL(name, crdFolder), 'utf8')) as Crd);
  return new Map(crds.map((crd) => [crd.spec.names.kind, crd]));
}
