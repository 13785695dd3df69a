import type { IncomingMessage } from 'node:http';
import type {
  ApplyOptions,
  Client,
  ClientOptions,
  DeleteOptions,
  ListQuery,
  Manifest,
  Page,
  Patch,
  PatchOptions,
  Reading,
  RequestReport,
  Selection,
  WatchEvent,
  WatchQuery,
} from './api.js';
import { type Clock, systemClock } from './clock.js';
import type { Connection } from './connection.js';
import { ApiError } from './error.js';
import { splitLines } from './lines.js';
import { apiVersionOf, type KubernetesObject, type ObjectRef, type Resource } from './resource.js';
import { networkCode, unavailable } from './time-limit.js';
import { type Call, Transport } from './transport.js';
import { decodeObject, decodePage, decodeUnstored, decodeWatchEvent, describeCall, malformed, parseJson, pathOf } from './wire.js';

export class HttpClient implements Client {
  readonly namespace: string;
  readonly #transport: Transport;
  readonly #fieldManager: string;
  readonly #watchIdleMs: number;
  readonly #clock: Clock;

  constructor(connection: Connection, options: ClientOptions) {
    const {
      clock = systemClock,
      timeoutMs = 30_000,
      tries = 4,
      userAgent = 'virtwright',
      onRequest = () => {},
      onWarning = () => {},
    } = options;
    this.namespace = connection.namespace;
    this.#clock = clock;
    this.#fieldManager = options.fieldManager ?? 'virtwright';
    this.#watchIdleMs = options.watchIdleMs ?? 150_000;
    this.#transport = new Transport(connection, { clock, timeoutMs, tries, userAgent, onRequest, onWarning });
  }

  async version(signal: AbortSignal): Promise<string> {
    const call: Call = { verb: 'get', what: 'get /version', method: 'GET', path: '/version', repeatable: true };
    return decodeVersion(await this.#transport.json(call, signal));
  }

  async get(resource: Resource, ref: ObjectRef, signal: AbortSignal): Promise<KubernetesObject> {
    return this.#object({ ...this.#call('get', resource, ref), method: 'GET', repeatable: true }, resource, signal);
  }

  async list(resource: Resource, query: ListQuery, signal: AbortSignal): Promise<Page> {
    const { limit = 500, continue: next } = query;
    const params = { ...selectors(query), limit: `${limit}`, continue: next };
    const call: Call = { ...this.#call('list', resource, space(query)), method: 'GET', query: params, repeatable: true };
    return decodePage(await this.#transport.json(call, signal), resource);
  }

  async *pages(resource: Resource, query: ListQuery, signal: AbortSignal): AsyncGenerator<Page> {
    for (let next = query; ; ) {
      const page = await this.list(resource, next, signal);
      yield page;
      if (page.continue === undefined) return;
      next = { ...query, continue: page.continue };
    }
  }

  async *watch(resource: Resource, query: WatchQuery, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    const call = this.#watchCall(resource, query);
    try {
      for await (const event of this.#lines(call, (line) => decodeWatchEvent(parseJson(line, call.what), resource, call.what), signal)) {
        yield event;
        if (event.kind === 'expired') return;
      }
    } catch (error) {
      if (!ApiError.is(error, 'Expired')) throw error;
      yield { kind: 'expired' };
    }
  }

  async *#lines<T>(call: Call, decode: (line: string) => T, signal: AbortSignal): AsyncGenerator<T> {
    try {
      const response = await this.#transport.stream(call, signal);
      for await (const line of splitLines(withinIdle(response, this.#watchIdleMs, this.#clock, call.what))) yield decode(line);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw error instanceof ApiError ? error : unavailable(call.what, networkCode(error), error);
    }
    // A stream that our own signal destroys may look like an orderly end.
    signal.throwIfAborted();
  }

  async create(resource: Resource, manifest: Manifest, signal: AbortSignal): Promise<KubernetesObject> {
    const ref = refIn(manifest);
    const path = pathOf(resource, resource.namespaced ? { namespace: ref.namespace ?? this.namespace } : {});
    const call: Call = {
      ...this.#call('create', resource, ref),
      method: 'POST',
      path,
      query: this.#writer,
      ...json(resource, manifest),
      repeatable: false,
    };
    return this.#object(call, resource, signal);
  }

  async mergePatch(
    resource: Resource,
    ref: ObjectRef,
    patch: Patch,
    options: PatchOptions,
    signal: AbortSignal,
  ): Promise<KubernetesObject> {
    const { resourceVersion, subresource } = options;
    const content = resourceVersion === undefined ? patch : { ...patch, metadata: { ...patch.metadata, resourceVersion } };
    const body = { type: 'application/merge-patch+json', content };
    const call = { ...this.#call('patch', resource, ref, subresource), method: 'PATCH', query: this.#writer, body } as const;
    return this.#object({ ...call, repeatable: resourceVersion === undefined }, resource, signal);
  }

  async apply(resource: Resource, manifest: Manifest, options: ApplyOptions, signal: AbortSignal): Promise<KubernetesObject> {
    return this.#apply(resource, manifest, options, undefined, signal);
  }

  async applyStatus(resource: Resource, manifest: Manifest, options: ApplyOptions, signal: AbortSignal): Promise<KubernetesObject> {
    const { name, namespace, resourceVersion, uid } = manifest.metadata;
    const metadata = { name, ...optional({ namespace, resourceVersion, uid }) };
    return this.#apply(resource, { metadata, status: manifest.status }, options, 'status', signal);
  }

  async read(reading: Reading, signal: AbortSignal): Promise<unknown> {
    return this.#transport.json(readingCall('get', reading), signal);
  }

  async *follow(reading: Reading, signal: AbortSignal): AsyncGenerator<unknown> {
    const call = readingCall('watch', reading);
    yield* this.#lines(call, (line) => parseJson(line, call.what), signal);
  }

  async delete(resource: Resource, ref: ObjectRef, options: DeleteOptions, signal: AbortSignal): Promise<void> {
    const { uid, resourceVersion, propagation } = options;
    const preconditions = optional({ uid, resourceVersion });
    const dryRun = options.dryRun === true ? { dryRun: ['All'] } : {};
    const content = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions, ...optional({ propagationPolicy: propagation }), ...dryRun };
    const body = { type: 'application/json', content };
    // Without a uid a second try could hit a namesake that was created in between.
    await this.#transport.json({ ...this.#call('delete', resource, ref), method: 'DELETE', body, repeatable: uid !== undefined }, signal);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#transport[Symbol.asyncDispose]();
  }

  get #writer(): Readonly<Record<string, string>> {
    return { fieldManager: this.#fieldManager };
  }

  #call(verb: RequestReport['verb'], resource: Resource, ref: Partial<ObjectRef>, subresource?: string) {
    return { verb, resource, what: describeCall(verb, resource, ref), path: pathOf(resource, ref, subresource) };
  }

  #watchCall(resource: Resource, query: WatchQuery): Call {
    const timeoutSeconds = query.timeoutSeconds === undefined ? undefined : `${query.timeoutSeconds}`;
    const params = {
      ...selectors(query),
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: query.resourceVersion,
      timeoutSeconds,
    };
    return { ...this.#call('watch', resource, space(query)), method: 'GET', query: params, repeatable: true };
  }

  async #apply(resource: Resource, manifest: Manifest, options: ApplyOptions, subresource: 'status' | undefined, signal: AbortSignal) {
    const call = this.#call('apply', resource, refIn(manifest), subresource);
    const body = { type: 'application/apply-patch+yaml', content: json(resource, manifest).body.content };
    const { force = false, dryRun = false, strict = false } = options;
    const query = { ...this.#writer, force: `${force}`, ...(dryRun && { dryRun: 'All' }), ...(strict && { fieldValidation: 'Strict' }) };
    const repeatable = manifest.metadata.resourceVersion === undefined;
    const answer = await this.#transport.json({ ...call, method: 'PATCH', query, body, repeatable }, signal);
    return dryRun ? decodeUnstored(answer, resource) : decodeObject(answer, resource);
  }

  async #object(call: Call, resource: Resource, signal: AbortSignal): Promise<KubernetesObject> {
    return decodeObject(await this.#transport.json(call, signal), resource);
  }
}

const readingCall = (verb: 'get' | 'watch', { path, query, accept }: Reading): Call => ({
  verb,
  what: `${verb} ${path}`,
  method: 'GET',
  path,
  ...optional({ query, accept }),
  repeatable: true,
});

const refIn = ({ metadata: { name, namespace } }: Manifest): ObjectRef => ({ name, ...optional({ namespace }) });
const space = ({ namespace }: Selection): Partial<ObjectRef> => optional({ namespace });
const selectors = ({ labelSelector, fieldSelector }: Selection) => ({ labelSelector, fieldSelector });

function json(resource: Resource, manifest: Manifest) {
  return { body: { type: 'application/json', content: { ...manifest, apiVersion: apiVersionOf(resource), kind: resource.kind } } };
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Leaves out what is undefined. */
function optional<T extends object>(fields: T): Given<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<T>;
}

function decodeVersion(value: unknown): string {
  const version = typeof value === 'object' && value !== null && 'gitVersion' in value ? value.gitVersion : undefined;
  if (typeof version !== 'string') throw malformed('get /version: no gitVersion');
  return version;
}

/** A stream in which nothing comes for `idleMs`, while somebody waits for it, is broken. */
async function* withinIdle(response: IncomingMessage, idleMs: number, clock: Clock, what: string): AsyncGenerator<Uint8Array> {
  const watchdog = (): void => {
    response.destroy(unavailable(what, `silent for ${idleMs} ms`));
  };
  let cancel = clock.after(idleMs, watchdog);
  try {
    for await (const chunk of response) {
      cancel();
      yield chunk;
      cancel = clock.after(idleMs, watchdog);
    }
  } finally {
    cancel();
  }
}
