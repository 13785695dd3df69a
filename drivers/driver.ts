import type { Adoption } from './facets/adoption.js';
import type { Consoles } from './facets/consoles.js';
import type { Drafts } from './facets/drafts.js';
import type { Events } from './facets/events.js';
import type { Guests } from './facets/guests.js';
import type { Host } from './facets/host.js';
import type { Live } from './facets/live.js';
import type { Machines } from './facets/machines.js';
import type { Networks } from './facets/networks.js';
import type { Pools } from './facets/pools.js';
import type { Power } from './facets/power.js';
import type { Snapshots } from './facets/snapshots.js';
import type { Stats } from './facets/stats.js';
import type { Volumes } from './facets/volumes.js';

export type * from './facets/adoption.js';
export type * from './facets/consoles.js';
export type * from './facets/disk.js';
export type * from './facets/drafts.js';
export type * from './facets/events.js';
export type * from './facets/guests.js';
export type * from './facets/host.js';
export type * from './facets/ids.js';
export type * from './facets/live.js';
export type * from './facets/machines.js';
export type * from './facets/mark.js';
export type * from './facets/network-shape.js';
export type * from './facets/networks.js';
export type * from './facets/pools.js';
export type * from './facets/power.js';
export type * from './facets/shape.js';
export type * from './facets/snapshots.js';
export type * from './facets/stats.js';
export type * from './facets/volumes.js';

/**
 * What the controllers may ask of a hypervisor host.
 *
 * A driver is a handful of facets. `host`, `machines` and `power` are what make a host a host; every other facet is present
 * exactly when the connected host has it, so an absent facet is a fact, not an error. Every verb is idempotent and
 * resolves once the host has accepted the work; progress is observed. Every verb rejects with a DriverError, and only that.
 * `signal` ends the waiting, not necessarily the host's work: whoever gives up must look again before acting again. It rejects
 * promptly with TimedOut, whatever ended it (`cause` is its reason); a signal that has ended before the call means no call at all.
 * A name or text that the host cannot hold to the letter is refused as Invalid, never altered.
 */
export interface Driver extends AsyncDisposable {
  readonly host: Host;
  readonly machines: Machines;
  readonly power: Power;
  readonly live?: Live;
  readonly adoption?: Adoption;
  readonly pools?: Pools;
  readonly volumes?: Volumes;
  readonly networks?: Networks;
  readonly consoles?: Consoles;
  readonly guests?: Guests;
  readonly events?: Events;
  readonly stats?: Stats;
  readonly drafts?: Drafts;
  readonly snapshots?: Snapshots;
  /** Resolves, never rejects, when the host is no longer reached through this driver (disposed, or lost): every verb is then Unavailable. */
  readonly closed: Promise<void>;
}

export type Facet = Exclude<keyof Driver, symbol | 'closed'>;
export type FacetOf<F extends Facet> = NonNullable<Driver[F]>;
