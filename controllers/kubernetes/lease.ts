import type { Client } from './api.js';
import { type Clock, systemClock } from './clock.js';
import { type KubernetesObject, keyOf, type ObjectMeta, type OwnerReference, type Resource } from './resource.js';

export const leases: Resource = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', kind: 'Lease', namespaced: true };

export interface Lease {
  readonly metadata: ObjectMeta;
  /** Empty: nobody. */
  readonly holder: string;
  /** Milliseconds since 1970, by the holder's clock. */
  readonly renewedAt: number;
  readonly durationMs: number;
  /** How often it has changed hands. */
  readonly transitions: number;
}

export interface LeaseOptions {
  readonly client: Client;
  readonly namespace: string;
  readonly name: string;
  /** Who holds it: nobody else who lives, but perhaps who held it before and is dead. */
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
  /** Told at every look who holds the lease: this identity, or another that keeps it alive. */
  readonly onHolder?: (identity: string) => void;
  /** It was ours, and could not be renewed for three quarters of its duration: another may have it soon. `onHolder` tells when it is ours again. */
  readonly onLapse?: () => void;
  /** Default 40,000 ms. */
  readonly durationMs?: number;
  /** Default 10,000 ms. */
  readonly periodMs?: number;
}

/** Throws a TypeError that names the field. */
export function decodeLease(raw: KubernetesObject): Lease {
  const spec: object = typeof raw.spec === 'object' && raw.spec !== null ? raw.spec : {};
  const given = (field: string): unknown => (field in spec ? spec[field as keyof typeof spec] : undefined);
  const seconds = given('leaseDurationSeconds') ?? 0;
  const holder = given('holderIdentity') ?? '';
  const transitions = given('leaseTransitions') ?? 0;
  const renewTime = given('renewTime');
  const renewedAt = renewTime === undefined ? 0 : Date.parse(String(renewTime));
  if (typeof holder !== 'string') throw new TypeError(`spec.holderIdentity is ${typeof holder}, not a string`);
  if (typeof seconds !== 'number') throw new TypeError(`spec.leaseDurationSeconds is ${typeof seconds}, not a number`);
  if (typeof transitions !== 'number') throw new TypeError(`spec.leaseTransitions is ${typeof transitions}, not a number`);
  if (Number.isNaN(renewedAt)) throw new TypeError('spec.renewTime is not a time');
  return { metadata: raw.metadata, holder, renewedAt, durationMs: seconds * 1000, transitions };
}

/** `now` in milliseconds since 1970. Trusts the holder's clock: where that matters, use a `LeaseObserver`. */
export function leaseExpired(lease: Lease, now: number): boolean {
  return lease.holder === '' || now - lease.renewedAt > lease.durationMs;
}

/** Tells who is alive by our own clock alone: a lease expires when we have seen no renewal for its duration. */
export interface LeaseObserver {
  /** To be told of every lease seen, changed or not. */
  observe(lease: Lease): void;
  forget(key: string): void;
  /** By `namespace/name`: anybody may take it. True for what was never observed. */
  expired(key: string): boolean;
  /** Nobody gave a sign of life for its duration, one who let go of it included: another may be on the way. True for what was never observed. */
  silent(key: string): boolean;
}

export function createLeaseObserver(clock: Clock = systemClock): LeaseObserver {
  const seen = new Map<string, { readonly lease: Lease; readonly since: number }>();
  const silent = (key: string): boolean => {
    const known = seen.get(key);
    return !known || clock.monotonic() - known.since > known.lease.durationMs;
  };
  return {
    silent,
    observe(lease) {
      const key = keyOf(lease.metadata);
      const known = seen.get(key);
      const renewed = known?.lease.renewedAt !== lease.renewedAt || known.lease.holder !== lease.holder;
      seen.set(key, { lease, since: known && !renewed ? known.since : clock.monotonic() });
    },
    forget(key) {
      seen.delete(key);
    },
    expired: (key) => seen.get(key)?.lease.holder === '' || silent(key),
  };
}
