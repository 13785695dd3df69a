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

/** The chart's copies: Helm reads nothing outside of a chart, and links are dropped by what packs folders, as Flux does. */
export const chartFolder = new URL('../charts/virtwright/files/crds/', crdFolder);

/** The text of each YAML file of a folder, by its name. */
export function readTexts(folder: URL): ReadonlyMap<string, string> {
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  return new Map(files.sort().map((name) => [name, readFileSync(new URL(name, folder), 'utf8')]));
}

/** Our CRDs, by kind. They are our own files: their form is not checked here but by the API server. */
export function readCrds(): ReadonlyMap<string, Crd> {
  const crds = [...readTexts(crdFolder).values()].map((text) => load(text) as Crd);
  return new Map(crds.map((crd) => [crd.spec.names.kind, crd]));
}
