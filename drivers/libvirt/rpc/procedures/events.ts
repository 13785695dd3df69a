import { once } from '../procedure.js';
import { domainHandle, networkHandle, optionalString, poolHandle, string } from '../types.js';
import { always, type Codec, type Decoded, int, nothing, optional, size, struct } from '../xdr.js';

/** Of all machines where no `domain` is given; answers the callback's id. */
export const connectDomainEventCallbackRegisterAny = once(
  'CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY',
  316,
  struct({ event: int, domain: optional(domainHandle) }),
  int,
);
export const connectDomainEventCallbackDeregisterAny = once(
  'CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY',
  317,
  struct({ callback: int }),
  nothing,
);
export const connectStoragePoolEventRegisterAny = once(
  'CONNECT_STORAGE_POOL_EVENT_REGISTER_ANY',
  368,
  struct({ event: int, pool: optional(poolHandle) }),
  int,
);
export const connectStoragePoolEventDeregisterAny = once(
  'CONNECT_STORAGE_POOL_EVENT_DEREGISTER_ANY',
  369,
  struct({ callback: int }),
  nothing,
);

export const connectNetworkEventRegisterAny = once(
  'CONNECT_NETWORK_EVENT_REGISTER_ANY',
  313,
  struct({ event: int, network: optional(networkHandle) }),
  int,
);
export const connectNetworkEventDeregisterAny = once('CONNECT_NETWORK_EVENT_DEREGISTER_ANY', 314, struct({ callback: int }), nothing);

/** Messages say which registration they answer; each kind of event has but one. */
const callback = { callback: always(int, 0) };
const domain = { domain: domainHandle };
const device = { ...domain, alias: string };

interface EventMessage<T> {
  readonly number: number;
  readonly body: Codec<T>;
}

/** A message of the host's, and the number under which it is asked for. */
interface Event<Source extends string, T> extends EventMessage<T> {
  readonly source: Source;
  readonly event: number;
}

function domainEvent<T>(event: number, number: number, body: Codec<T>): Event<'domain', T> {
  return { source: 'domain', event, number, body };
}

function poolEvent<T>(event: number, number: number, body: Codec<T>): Event<'pool', T> {
  return { source: 'pool', event, number, body };
}

function networkEvent<T>(event: number, number: number, body: Codec<T>): Event<'network', T> {
  return { source: 'network', event, number, body };
}

/** The older messages wrap what they say in a struct of its own, which leaves no trace in the bytes. */
export const domainEvents = {
  lifecycle: domainEvent(0, 318, struct({ ...callback, ...domain, change: int, detail: int })),
  reboot: domainEvent(1, 319, struct({ ...callback, ...domain })),
  'io-error': domainEvent(6, 324, struct({ ...callback, ...domain, source: string, alias: string, action: int, reason: string })),
  'control-error': domainEvent(7, 325, struct({ ...callback, ...domain })),
  'disk-change': domainEvent(
    9,
    327,
    struct({ ...callback, ...domain, oldSource: optionalString, newSource: optionalString, alias: string, reason: int }),
  ),
  'tray-change': domainEvent(10, 328, struct({ ...callback, ...device, reason: int })),
  'balloon-change': domainEvent(13, 331, struct({ ...callback, ...domain, actual: size })),
  'device-removed': domainEvent(15, 333, struct({ ...callback, ...device })),
  'agent-lifecycle': domainEvent(18, 348, struct({ ...callback, ...domain, state: int, reason: int })),
  'device-added': domainEvent(19, 354, struct({ ...callback, ...device })),
  'device-removal-failed': domainEvent(22, 367, struct({ ...callback, ...device })),
  'metadata-change': domainEvent(23, 379, struct({ ...callback, ...domain, type: int, uri: optionalString })),
} as const;

export const poolEvents = {
  lifecycle: poolEvent(0, 370, struct({ ...callback, pool: poolHandle, change: int, detail: int })),
  refresh: poolEvent(1, 373, struct({ ...callback, pool: poolHandle })),
} as const;

export const networkEvents = {
  lifecycle: networkEvent(0, 315, struct({ ...callback, network: networkHandle, change: int, detail: int })),
} as const;

/** The daemon has lost what it manages (its own connection to the hypervisor): sent once asked for by CONNECT_REGISTER_CLOSE_CALLBACK. */
export const connectionClosed: EventMessage<{ readonly reason: number }> = { number: 362, body: struct({ reason: int }) };

type Bodies<Kind extends string, Events extends Record<string, EventMessage<unknown>>> = {
  [E in keyof Events]: { readonly kind: Kind; readonly event: E } & Decoded<Events[E]['body']>;
}[keyof Events];
export type DomainEvent = Bodies<'domain', typeof domainEvents>;
export type PoolEvent = Bodies<'pool', typeof poolEvents>;
export type NetworkEvent = Bodies<'network', typeof networkEvents>;

/** What happened on the host: a hint to look again. `gap`: some may have been lost. */
export type RpcEvent = DomainEvent | PoolEvent | NetworkEvent | { readonly kind: 'gap' };
