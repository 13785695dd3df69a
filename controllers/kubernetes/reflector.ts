import type { BackoffOptions } from './backoff.js';
import type { Client, Selection } from './client.js';
import type { Clock } from './clock.js';
import type { KubernetesObject, Resource } from './resource.js';
import type { Store } from './store.js';

export interface ReflectorOptions<T> {
  readonly client: Client;
  readonly resource: Resource;
  readonly selection?: Selection;
  /** Where the objects go. */
  readonly store: Store<T>;
  /** Decodes or throws; what cannot be decoded is kept out of the store (and taken out, if an earlier version is in it). */
  readonly decode: (raw: KubernetesObject) => T;
  readonly onUndecodable?: (raw: KubernetesObject, error: unknown) => void;
  /** A list or watch failed and is tried again: for logs and metrics. */
  readonly onRestart?: (restart: Restart) => void;
  readonly clock?: Clock;
  /** Default 200 ms to 30 s. */
  readonly backoff?: BackoffOptions;
  /** Everything is listed anew after this long even if all is well. Default an hour, less a random part. */
  readonly relistMs?: number;
}

export interface Restart {
  readonly resource: string;
  /** `ended`: the server closed an orderly watch. `expired`: 410. `rewound`: the server's history is not the one we knew. `failed`: see `error`. */
  readonly cause: 'ended' | 'expired' | 'rewound' | 'failed' | 'due';
  readonly error?: unknown;
}

export interface Reflector {
  /** Resolves when the store first shows everything; rejects when the signal came first. */
  readonly synced: Promise<void>;
  readonly hasSynced: boolean;
  /** Resolves after the signal, when nothing is written any more. Never rejects. */
  readonly ended: Promise<void>;
}

/** Keeps the store equal to the server until the signal, whatever happens in between. */
export function startReflector<T extends Pick<KubernetesObject, 'metadata'>>(options: ReflectorOptions<T>, signal: AbortSignal): Reflector {
  throw new Error(`${options} ${signal}`);
}
