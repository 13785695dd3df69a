import type { Clock } from './clock.js';
import type { KubernetesObject, ObjectRef, Resource } from './resource.js';

export interface ClientOptions {
  /** Who owns the fields of `apply`, `applyStatus` and `mergePatch`. Default `virtwright`. */
  readonly fieldManager?: string;
  /** Per try, until the whole answer is in; a watch: until its first byte. Default 30,000 ms. */
  readonly timeoutMs?: number;
  /** A watch that says nothing for this long is broken (bookmarks come about once a minute). Default 150,000 ms. */
  readonly watchIdleMs?: number;
  /** Tries in all, where trying again is harmless. Default 4. */
  readonly tries?: number;
  readonly userAgent?: string;
  readonly clock?: Clock;
  readonly onRequest?: (request: RequestReport) => void;
  /** What the server says beside its answer, for people: `spec.x is deprecated`. */
  readonly onWarning?: (text: string) => void;
}

export interface RequestReport {
  readonly verb: 'get' | 'list' | 'watch' | 'create' | 'patch' | 'apply' | 'delete';
  readonly resource: string;
  /** HTTP status, 200 for every success; 0 when there was no answer. */
  readonly code: number;
  readonly seconds: number;
}

export interface Selection {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface ListQuery extends Selection {
  /** Objects per page. Default 500. */
  readonly limit?: number;
  readonly continue?: string;
}

export interface Page {
  readonly items: readonly KubernetesObject[];
  readonly resourceVersion: string;
  /** Present: there is more. */
  readonly continue?: string;
}

export interface WatchQuery extends Selection {
  readonly resourceVersion: string;
  /** After which the server ends the watch. Default: the server's choice. */
  readonly timeoutSeconds?: number;
}

/** `deleted` also says that an object left the selection. `expired` is the last one: list again. */
export type WatchEvent =
  | { readonly kind: 'added' | 'modified' | 'deleted'; readonly object: KubernetesObject }
  | { readonly kind: 'bookmark'; readonly resourceVersion: string }
  | { readonly kind: 'expired' };

/** What is sent: everything the server fills in may be left out. */
export interface Manifest {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly resourceVersion?: string;
    readonly uid?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
    readonly ownerReferences?: KubernetesObject['metadata']['ownerReferences'];
  };
  readonly spec?: unknown;
  readonly status?: unknown;
  readonly data?: unknown;
}

/** As to be merged; null takes a field away. */
export interface Patch {
  readonly metadata?: object;
  readonly spec?: unknown;
  readonly status?: unknown;
  readonly [field: string]: unknown;
}

export interface PatchOptions {
  /** Conflict when the object has moved on from it. */
  readonly resourceVersion?: string;
  readonly subresource?: 'status';
}

export interface ApplyOptions {
  /** Take fields over from other managers instead of Conflict. */
  readonly force?: boolean;
  /** Says what would come of it, and changes nothing. */
  readonly dryRun?: boolean;
  /** BadRequest for a field that the kind does not have, which is dropped otherwise. */
  readonly strict?: boolean;
}

export interface DeleteOptions {
  /** Conflict when the object is another one, or has moved on. */
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan';
  readonly dryRun?: boolean;
}

/** A reading in a form of its own, as a Table or what the server serves. */
export interface Reading {
  /** From the server's root on, encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** Default `application/json`. */
  readonly accept?: string;
}

/** Every call rejects with an ApiError, or with the signal's reason; nothing else. Objects come back with their metadata checked and without `managedFields`. */
export interface Client extends AsyncDisposable {
  /** Of the context or the pod. */
  readonly namespace: string;
  /** E.g. `v1.36.3`. */
  version(signal: AbortSignal): Promise<string>;
  get(resource: Resource, ref: ObjectRef, signal: AbortSignal): Promise<KubernetesObject>;
  /** One page. */
  list(resource: Resource, query: ListQuery, signal: AbortSignal): Promise<Page>;
  /** All pages of one consistent list; Expired when the server forgot it half-way. */
  pages(resource: Resource, query: ListQuery, signal: AbortSignal): AsyncIterable<Page>;
  /** Ends when the server ends it, or after `expired`. Only its beginning is tried again. */
  watch(resource: Resource, query: WatchQuery, signal: AbortSignal): AsyncIterable<WatchEvent>;
  create(resource: Resource, manifest: Manifest, signal: AbortSignal): Promise<KubernetesObject>;
  /** JSON merge patch: null takes a field away, lists are replaced whole. */
  mergePatch(resource: Resource, ref: ObjectRef, patch: Patch, options: PatchOptions, signal: AbortSignal): Promise<KubernetesObject>;
  /** Server-side apply: creates, or makes our fields exactly these. With `metadata.resourceVersion`, Conflict when the object has moved on. */
  apply(resource: Resource, manifest: Manifest, options: ApplyOptions, signal: AbortSignal): Promise<KubernetesObject>;
  /** The same on `/status`, which never creates. */
  applyStatus(resource: Resource, manifest: Manifest, options: ApplyOptions, signal: AbortSignal): Promise<KubernetesObject>;
  /** The answer as it is: what is in it is not checked. */
  read(reading: Reading, signal: AbortSignal): Promise<unknown>;
  /** The same of a watch: one value a line, until the server ends it. */
  follow(reading: Reading, signal: AbortSignal): AsyncIterable<unknown>;
  /** NotFound when it is gone already. Resolves when the server has taken it; finalizers may hold it. */
  delete(resource: Resource, ref: ObjectRef, options: DeleteOptions, signal: AbortSignal): Promise<void>;
}
