import { setMaxListeners } from 'node:events';
import type { Client } from '#controllers/kubernetes/client.js';
import { type KubernetesObject, keyOf, type Resource } from '#controllers/kubernetes/resource.js';

/** Every state in which objects of these kinds were, in order, as anybody sees them who watches. */
export class Recorder implements AsyncDisposable {
  readonly states: KubernetesObject[] = [];
  readonly #stop = new AbortController();
  readonly #ended: Promise<unknown>;

  private constructor(watches: (record: (object: KubernetesObject) => void, signal: AbortSignal) => readonly Promise<void>[]) {
    setMaxListeners(0, this.#stop.signal);
    this.#ended = Promise.allSettled(watches((object) => this.states.push(object), this.#stop.signal));
  }

  static async start(client: Client, resources: readonly Resource[]): Promise<Recorder> {
    const from = await Promise.all(
      resources.map(async (resource) => (await client.list(resource, {}, AbortSignal.timeout(30_000))).resourceVersion),
    );
    return new Recorder((record, signal) => resources.map((resource, at) => follow(client, resource, from[at] ?? '', record, signal)));
  }

  /** The states of one, as they followed each other. */
  of(kind: string, name: string): readonly KubernetesObject[] {
    return this.states.filter((one) => one.kind === kind && one.metadata.name === name);
  }

  /** The lives of all, each of one uid. */
  lives(): readonly (readonly [string, readonly KubernetesObject[]])[] {
    const lives = new Map<string, KubernetesObject[]>();
    for (const state of this.states) lives.set(state.metadata.uid, [...(lives.get(state.metadata.uid) ?? []), state]);
    return [...lives.values()].map((life) => [`${life[0]?.kind} ${life[0] && keyOf(life[0].metadata)}`, life]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }
}

async function follow(
  client: Client,
  resource: Resource,
  from: string,
  record: (object: KubernetesObject) => void,
  signal: AbortSignal,
): Promise<void> {
  let resourceVersion = from;
  while (!signal.aborted)
    for await (const event of client.watch(resource, { resourceVersion }, signal)) {
      if (event.kind === 'expired') throw new Error(`what happened to ${resource.plural} since ${resourceVersion} is forgotten`);
      resourceVersion = event.kind === 'bookmark' ? event.resourceVersion : event.object.metadata.resourceVersion;
      if (event.kind === 'added' || event.kind === 'modified') record(event.object);
    }
}
