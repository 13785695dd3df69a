import { namespaceResource } from '../resources/builtin.js';
import { systemNamespaces } from '../resources/core.js';
import { isBeingDeleted, timestamp } from '../resources/metadata.js';
import type { Registry } from '../resources/registry.js';
import type { Hands } from './hands.js';

/** Makes the namespaces that are always there, and empties those that are to go. */
export class Namespaces {
  readonly #hands: Hands;
  readonly #registry: Registry;

  constructor(hands: Hands, registry: Registry) {
    this.#hands = hands;
    this.#registry = registry;
  }

  async begin(): Promise<void> {
    const now = timestamp(this.#hands.now());
    const options = { fieldManager: 'virtwright-standalone', fieldValidation: 'Strict', dryRun: false, warn: () => {}, now } as const;
    const missing = systemNamespaces.filter((name) => this.#get(name) === undefined);
    const make = (name: string) =>
      this.#hands.objects.create(
        { resource: namespaceResource, namespace: '', name },
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
        options,
      );
    await Promise.all(missing.map(make));
  }

  async emptyIfGoing(name: string): Promise<void> {
    const namespace = this.#get(name);
    if (namespace === undefined || !isBeingDeleted(namespace)) return;
    let left = 0;
    for (const kind of this.#registry.stored())
      if (kind.namespaced) left += await this.#hands.removeEach(kind, this.#hands.store.list(kind.storage, name));
    if (left === 0) await this.#hands.rewrite(namespaceResource, namespace, (now) => ({ ...now, spec: { finalizers: [] } }));
  }

  #get(name: string) {
    return this.#hands.store.get({ resource: namespaceResource.storage, namespace: '', name });
  }
}
