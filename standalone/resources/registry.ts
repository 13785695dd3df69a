import { isObject, type JsonObject, objectAt, textAt } from '../json.js';
import { builtInResources } from './builtin.js';
import { resourcesOf } from './crd.js';
import type { Resource } from './resource.js';

/** All that is served: what comes with the server, and what CRDs define. */
export class Registry {
  readonly #custom = new Map<string, readonly Resource[]>();
  #all: readonly Resource[] = builtInResources;
  #byPath = indexed(builtInResources);
  #byStorage = onePerStore(builtInResources);

  all(): readonly Resource[] {
    return this.#all;
  }

  find(group: string, version: string, plural: string): Resource | undefined {
    return this.#byPath.get(`${group}/${version}/${plural}`);
  }

  /** One for each kind of object that is kept, whatever its versions. */
  stored(): readonly Resource[] {
    return [...this.#byStorage.values()];
  }

  /** The kind whose objects are kept there. */
  keptAs(storage: string): Resource | undefined {
    return this.#byStorage.get(storage);
  }

  /** A CRD that another one takes names from is not served: gives whose they are. */
  conflict(crd: JsonObject): string | undefined {
    const { group, names } = objectAt(crd, 'spec');
    const own = textAt(objectAt(crd, 'metadata'), 'name');
    const kind = textAt(isObject(names) ? names : {}, 'kind');
    for (const [name, resources] of this.#custom)
      if (name !== own && resources.some((one) => one.group === group && one.kind === kind)) return name;
    return undefined;
  }

  /** @throws Error for one that cannot be served */
  define(crd: JsonObject): void {
    this.#custom.set(textAt(objectAt(crd, 'metadata'), 'name'), resourcesOf(crd));
    this.#refresh();
  }

  forget(name: string): void {
    this.#custom.delete(name);
    this.#refresh();
  }

  #refresh(): void {
    this.#all = [...builtInResources, ...[...this.#custom.values()].flat()];
    this.#byPath = indexed(this.#all);
    this.#byStorage = onePerStore(this.#all);
  }
}

const onePerStore = (resources: readonly Resource[]): ReadonlyMap<string, Resource> => new Map(resources.map((one) => [one.storage, one]));

const indexed = (resources: readonly Resource[]): ReadonlyMap<string, Resource> =>
  new Map(resources.map((one) => [`${one.group}/${one.version}/${one.plural}`, one]));
