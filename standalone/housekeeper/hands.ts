import { equal, type JsonObject, textAt, textsAt } from '../json.js';
import { Objects } from '../requests/objects.js';
import { keyOf, type Place } from '../requests/place.js';
import { StatusError } from '../requests/status.js';
import { isBeingDeleted, isOver, metadataOf, timestamp, withFinalizers } from '../resources/metadata.js';
import type { Resource } from '../resources/resource.js';
import type { Outcome, Store } from '../store/store.js';

/** What a housekeeper does to objects. Whatever became of one meanwhile, only the one that was meant is touched. */
export class Hands {
  readonly store: Store;
  readonly objects: Objects;
  /** Milliseconds since 1970. */
  readonly now: () => number;

  constructor(store: Store, now: () => number) {
    this.store = store;
    this.objects = new Objects(store);
    this.now = now;
  }

  async remove(resource: Resource, object: JsonObject): Promise<void> {
    const { uid } = metadataOf(object);
    const preconditions = typeof uid === 'string' ? { uid } : {};
    const options = { dryRun: false, propagation: 'Background', preconditions, now: timestamp(this.now()) } as const;
    await this.objects.delete(placeOf(resource, object), options).catch(ignoringMeanwhile);
  }

  /** Resolves to how many are still there. */
  async removeEach(resource: Resource, objects: readonly JsonObject[]): Promise<number> {
    await Promise.all(objects.filter((one) => !isBeingDeleted(one)).map((one) => this.remove(resource, one)));
    return objects.filter((one) => isSame(this.store.get(keyOf(placeOf(resource, one))), one)).length;
  }

  async rewrite(resource: Resource, object: JsonObject, edit: (now: JsonObject) => JsonObject): Promise<void> {
    await this.store.write(keyOf(placeOf(resource, object)), (now): Outcome => {
      if (now === undefined || !isSame(now, object)) return { kind: 'keep', object };
      const next = edit(now);
      if (equal(next, now)) return { kind: 'keep', object: now };
      return { kind: isOver(next) ? 'delete' : 'put', object: next };
    });
  }

  async release(resource: Resource, object: JsonObject, finalizer: string): Promise<void> {
    await this.rewrite(resource, object, (now) => {
      const finalizers = textsAt(metadataOf(now), 'finalizers');
      return withFinalizers(
        now,
        finalizers.filter((one) => one !== finalizer),
      );
    });
  }
}

const isSame = (one: JsonObject | undefined, other: JsonObject): boolean =>
  one !== undefined && metadataOf(one)['uid'] === metadataOf(other)['uid'];

const placeOf = (resource: Resource, object: JsonObject): Place => ({
  resource,
  namespace: textAt(metadataOf(object), 'namespace'),
  name: textAt(metadataOf(object), 'name'),
});

/** Somebody else was faster; what is left to do is seen in the next look. */
export function ignoringMeanwhile(reason: unknown): void {
  if (!(reason instanceof StatusError)) throw reason;
}
