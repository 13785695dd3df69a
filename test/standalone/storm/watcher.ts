import { createInterface } from 'node:readline';
import { type JsonObject, objectAt, objectsAt, textAt } from '#standalone/json.js';
import { type Caller, isCutOff } from '#test/cluster/caller.js';
import { type Kind, pathOf } from './kinds.js';
import type { Ledger } from './ledger.js';

/** Follows all objects of a kind as a client does: it lists, watches from there, and lists anew only when it is told to. */
export class Watcher {
  readonly #kind: Kind;
  readonly #ledger: Ledger;
  readonly #objects = new Map<string, number>();
  #revision = 0;
  /** How often it could go on from where it was, and how often it had to begin anew. */
  resumed = 0;
  expired = 0;

  constructor(kind: Kind, ledger: Ledger) {
    this.#kind = kind;
    this.#ledger = ledger;
  }

  /** Until the server is gone. */
  async follow(caller: Caller): Promise<void> {
    try {
      if (this.#revision > 0 && (await this.#watch(caller))) return;
      await this.#list(caller);
      await this.#watch(caller);
    } catch (reason) {
      if (!isCutOff(reason)) throw reason;
    }
  }

  /** What it knows is what there is: after the last write, and before the kill. */
  async compare(caller: Caller): Promise<void> {
    const { items, revision } = await this.#all(caller);
    for (let tries = 0; this.#revision < newestOf(items) && tries < 6_000; tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 10));
    const [known, is] = [this.#objects, new Map(items)].map((map) => JSON.stringify([...map].sort()));
    if (known !== is) this.#ledger.trouble(`${this.#kind.plural} at ${revision}: the watch told ${known}, the list ${is}`);
  }

  async #list(caller: Caller): Promise<void> {
    const { items, revision } = await this.#all(caller);
    if (revision < this.#revision) this.#ledger.trouble(`${this.#kind.plural}: a list is of ${revision}, a watch was at ${this.#revision}`);
    this.#objects.clear();
    for (const [path, at] of items) this.#objects.set(path, at);
    this.#revision = revision;
  }

  async #all(caller: Caller) {
    const { body } = await caller.call('GET', pathOf(this.#kind));
    const items = objectsAt(body, 'items').map((one) => [placeOf(one), versionOf(one)] as const);
    return { items, revision: versionOf(body) };
  }

  /** Whether it began: `false` when the server has forgotten what was since. Resolves when it is over. */
  async #watch(caller: Caller): Promise<boolean> {
    const response = await caller.stream(`${pathOf(this.#kind)}?watch=true&allowWatchBookmarks=true&resourceVersion=${this.#revision}`);
    if (response.statusCode === 200) {
      this.resumed += 1;
      for await (const line of createInterface(response)) this.#hear(line);
      return true;
    }
    response.resume();
    if (response.statusCode !== 410) this.#ledger.trouble(`watch ${this.#kind.plural}: ${response.statusCode}`);
    this.expired += 1;
    return false;
  }

  #hear(line: string): void {
    // The last line of a server that is killed may be half a one.
    if (!line.endsWith('}}')) return;
    const { type, object } = JSON.parse(line) as { readonly type: string; readonly object: JsonObject };
    const revision = versionOf(object);
    if (type !== 'BOOKMARK' && revision <= this.#revision)
      this.#ledger.trouble(`watch ${this.#kind.plural}: ${type} of ${revision} after ${this.#revision}`);
    this.#revision = revision;
    this.#ledger.seen(revision);
    const known = this.#objects.has(placeOf(object));
    if ((type === 'ADDED' && known) || (type === 'MODIFIED' && !known)) this.#ledger.trouble(`watch: ${type} of ${placeOf(object)}`);
    if (type === 'DELETED') this.#objects.delete(placeOf(object));
    else if (type !== 'BOOKMARK') this.#objects.set(placeOf(object), revision);
  }
}

const versionOf = (object: JsonObject): number => Number(textAt(objectAt(object, 'metadata'), 'resourceVersion'));
const newestOf = (items: readonly (readonly [string, number])[]): number => Math.max(0, ...items.map(([, revision]) => revision));

function placeOf(object: JsonObject): string {
  const { namespace, name } = objectAt(object, 'metadata');
  return `${namespace}/${name}`;
}
