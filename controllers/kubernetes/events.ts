import type { Client } from './client.js';
import type { Clock } from './clock.js';
import type { KubernetesObject } from './resource.js';

export interface EventOptions {
  readonly client: Client;
  /** Who speaks, e.g. `virtwright.io/controller`. */
  readonly controller: string;
  /** Which one of them: pod or host name. */
  readonly instance: string;
  readonly clock?: Clock;
  /** An event could not be written, or was one too many: for a counter. */
  readonly onDropped?: (why: 'failed' | 'limited', error?: unknown) => void;
}

export interface EventText {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, e.g. `Started`: why. */
  readonly reason: string;
  /** CamelCase, e.g. `Starting`: what was being done. Default: the reason. */
  readonly action?: string;
  /** For people; cut at 1 KiB. */
  readonly note: string;
}

/** What `kubectl describe` shows. The same words on the same object again only count up. */
export interface EventRecorder extends AsyncDisposable {
  /** Never throws, never waits. */
  record(about: KubernetesObject, text: EventText): void;
  /** Resolves when what was recorded so far is written or given up. */
  flush(): Promise<void>;
}

export function createEventRecorder(options: EventOptions): EventRecorder {
  throw new Error(`${options}`);
}
