import type { Patch } from './api.js';
import { type Clock, systemClock } from './clock.js';
import { ApiError } from './error.js';
import { createLeaseObserver, decodeLease, type Lease, type LeaseOptions, leases } from './lease.js';
import { type KubernetesObject, keyOf, type ObjectRef } from './resource.js';

/** One candidate for one lease. */
export class LeaseHolder {
  readonly clock: Clock;
  readonly #options: LeaseOptions;
  readonly #durationMs: number;
  readonly #ref: ObjectRef;
  readonly #observer;
  /** As we wrote it last: renewing needs no look first. */
  #mine: Lease | undefined;

  constructor(options: LeaseOptions, durationMs: number) {
    this.#options = options;
    this.#durationMs = durationMs;
    this.clock = options.clock ?? systemClock;
    this.#ref = { namespace: options.namespace, name: options.name };
    this.#observer = createLeaseObserver(this.clock);
  }

  /** One try to have the lease or to keep it. Resolves to who holds it now: us, or somebody who is alive. Rejects as the client does. */
  async tryHold(signal: AbortSignal): Promise<string> {
    const mine = this.#mine;
    this.#mine = undefined;
    const lease = mine ?? (await this.#look(signal));
    if (lease === undefined) return this.#create(signal);
    const { identity } = this.#options;
    if (lease.holder !== identity && !this.#observer.expired(keyOf(this.#ref))) return lease.holder;
    const taken = lease.holder === identity ? {} : { acquireTime: this.#now(), leaseTransitions: lease.transitions + 1 };
    return this.#write({ ...this.#renewal(), ...taken }, lease, signal);
  }

  /** Lets go, so that the next one need not wait. Nothing when it is not ours. */
  async release(signal: AbortSignal): Promise<void> {
    const mine = this.#mine;
    this.#mine = undefined;
    const lease = mine ?? (await this.#look(signal));
    if (lease?.holder !== this.#options.identity) return;
    const free = { spec: { holderIdentity: null, renewTime: this.#now() } };
    await this.#patch(free, lease, signal).catch((error: unknown) => {
      // A renewal that was given up half-way may arrive at any time, also after our look.
      if (!ApiError.is(error, 'Conflict')) throw error;
      return this.release(signal);
    });
  }

  async #look(signal: AbortSignal): Promise<Lease | undefined> {
    const { client } = this.#options;
    const raw = await client.get(leases, this.#ref, signal).catch((error: unknown) => {
      if (ApiError.is(error, 'NotFound')) return undefined;
      throw error;
    });
    if (raw === undefined) return undefined;
    const lease = decodeLease(raw);
    this.#observer.observe(lease);
    return lease;
  }

  async #create(signal: AbortSignal): Promise<string> {
    const { client, name, namespace, labels = {}, ownerReferences = [] } = this.#options;
    const spec = { ...this.#renewal(), acquireTime: this.#now(), leaseTransitions: 0 };
    return this.#keep(await client.create(leases, { metadata: { name, namespace, labels, ownerReferences }, spec }, signal));
  }

  async #write(spec: object, lease: Lease, signal: AbortSignal): Promise<string> {
    const { labels = {}, ownerReferences = [] } = this.#options;
    return this.#keep(await this.#patch({ metadata: { labels, ownerReferences }, spec }, lease, signal));
  }

  #patch(patch: Patch, { metadata: { resourceVersion } }: Lease, signal: AbortSignal): Promise<KubernetesObject> {
    return this.#options.client.mergePatch(leases, this.#ref, patch, { resourceVersion }, signal);
  }

  #keep(raw: KubernetesObject): string {
    this.#mine = decodeLease(raw);
    return this.#mine.holder;
  }

  #renewal(): object {
    const leaseDurationSeconds = Math.max(1, Math.ceil(this.#durationMs / 1000));
    return { holderIdentity: this.#options.identity, leaseDurationSeconds, renewTime: this.#now() };
  }

  /** MicroTime. */
  #now(): string {
    return new Date(this.clock.now()).toISOString().replace('Z', '000Z');
  }
}
