import type { Answer, Question } from '../foresight/answer.js';
import type { Told } from '../foresight/outcome.js';
import type { Step } from '../foresight/steps.js';
import type { Client } from '../kubernetes/client.js';
import type { KubernetesObject } from '../kubernetes/resource.js';

/** An object as a file has it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

/** What the API server would make of a manifest, as it said itself. */
export type WouldBe =
  | { readonly kind: 'object'; readonly object: KubernetesObject; readonly steps: readonly Step[] }
  | { readonly kind: 'refused'; readonly trouble: Told };

/** Why a host could not be asked, for people. */
export class NotAsked extends Error {
  override readonly name = 'NotAsked';
  /** Sessions may not be made there. */
  readonly isForbidden: boolean;

  constructor(message: string, isForbidden: boolean, options?: ErrorOptions) {
    super(message, options);
    this.isForbidden = isForbidden;
  }
}

export interface Asking {
  readonly client: Client;
  /** `namespaces` are in the files, and may not be there yet. */
  dryRun(manifest: Manifest, namespaces: ReadonlySet<string>, signal: AbortSignal): Promise<WouldBe>;
  /** By a session in the namespace, which says whose objects may be asked of. Rejects with NotAsked. */
  ask(namespace: string, hypervisor: string, question: Question, signal: AbortSignal): Promise<Answer>;
}
