import type { Client } from './client.js';
import type { Clock } from './clock.js';
import type { KubernetesObject, ObjectMeta, OwnerReference, Resource } from './resource.js';

export const leases: Resource = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', kind: 'Lease', namespaced: true };

export interface Lease {
  readonly metadata: ObjectMeta;
  /** Empty: nobody. */
  readonly holder: string;
  /** Milliseconds since 1970, by the holder's clock. */
  readonly renewedAt: number;
  readonly durationMs: number;
}

export interface LeaseOptions {
  readonly client: Client;
  readonly namespace: string;
  readonly name: string;
  /** Who holds it: unique, but for an agent the same after its restart. */
  readonly identity: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly clock?: Clock;
  /** A try failed; more follow. */
  readonly onError?: (error: unknown) => void;
}

export interface LeadOptions extends LeaseOptions {
  /** Others wait this long after the last renewal. Default 15,000 ms. */
  readonly durationMs?: number;
  /** Without a renewal for this long, leadership is given up. Default two thirds of the duration. */
  readonly renewDeadlineMs?: number;
  /** Between tries. Default 2,000 ms. */
  readonly retryMs?: number;
}

export interface HeartbeatOptions extends LeaseOptions {
  /** Default 40,000 ms. */
  readonly durationMs?: number;
  /** Default 10,000 ms. */
  readonly periodMs?: number;
}

/**
 * Waits for the lead, does the work, and again, until the signal; then the lease is released. The work's own signal says that the
 * lead is lost, before anyone else can have it; the work must then end. Its rejection ends everything.
 */
export function lead(options: LeadOptions, work: (leading: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
  throw new Error(`${options} ${work} ${signal}`);
}

/** Renews until the signal, whatever fails. Never takes a lease that another identity keeps alive: reported through `onError`. */
export function heartbeat(options: HeartbeatOptions, signal: AbortSignal): Promise<void> {
  throw new Error(`${options} ${signal}`);
}

/** Throws a TypeError that names the field. */
export function decodeLease(raw: KubernetesObject): Lease {
  throw new Error(`${raw}`);
}

/** `now` in milliseconds since 1970. Trusts the holder's clock: where that matters, use a `LeaseObserver`. */
export function leaseExpired(lease: Lease, now: number): boolean {
  return lease.holder === '' || now - lease.renewedAt > lease.durationMs;
}

/** Tells who is alive by our own clock alone: a lease expires when we have seen no renewal for its duration. */
export interface LeaseObserver {
  observe(lease: Lease): void;
  forget(key: string): void;
  /** True for what was never observed. */
  expired(key: string): boolean;
}

export function createLeaseObserver(clock?: Clock): LeaseObserver {
  throw new Error(`${clock}`);
}
