import type { NetworkId } from './ids.js';
import type { NativeNetworkShape, NetworkShape } from './network-shape.js';

/**
 * What machines may be attached to. A network is ours by its uuid, which we gave it; one that the host had before (capability
 * `networks.existing`) is found by its native name in the list, and no other verb is called on it. Where networks cannot be made (no
 * `networks.forward`), the other verbs are Unsupported.
 */
export interface Networks {
  /** All networks, ours or not. */
  list(signal: AbortSignal): Promise<readonly Network[]>;
  /**
   * Makes the network's definition say this: creates it, or edits the native one where it differs and nowhere else. What runs is not touched;
   * a network that runs without a definition gets one. When nothing differs, nothing is written. A network is found by its uuid and keeps the
   * native name it has. NotOurs when the native name belongs to another uuid; Invalid when the host could not hold it to the letter.
   */
  define(definition: NetworkDefinition, signal: AbortSignal): Promise<NetworkId>;
  /** As it is defined. NotFound when there is no such network; Conflict when the host itself has one of its subnets elsewhere. */
  start(id: NetworkId, signal: AbortSignal): Promise<void>;
  /**
   * Makes the running network say this, in what can change while it runs (capability `networks.live`); the rest stays, and so does the
   * definition. NotFound when there is no such network; Conflict when it is not active.
   */
  update(id: NetworkId, shape: NetworkShape, signal: AbortSignal): Promise<void>;
  /** Conflict while machines are attached, whosesoever: they would be cut off. Not active already is success. */
  stop(id: NetworkId, signal: AbortSignal): Promise<void>;
  /** Stops and forgets the network. Conflict while machines are attached; gone already is success. */
  undefine(id: NetworkId, signal: AbortSignal): Promise<void>;
}

export interface Network {
  readonly id: NetworkId;
  /** No two networks of a host have the same. */
  readonly nativeName: string;
  /** Machines can be attached and started. */
  readonly active: boolean;
  /** In lower case. Absent where networks have none. So are the following where the host does not tell. */
  readonly uuid?: string;
  /** What it is at its next start. Absent, too, when the host holds no definition (undefined while active). */
  readonly configured?: NativeNetworkShape;
  /** What it is now, while active. */
  readonly live?: NativeNetworkShape;
  /** The host's device that machines are attached by. */
  readonly bridge?: string;
  /** All that it has or will have, as `10.20.0.0/24`: those of a definition that we have no words for, too. */
  readonly subnets?: readonly string[];
  /** Interfaces of machines that are attached now, whosesoever. */
  readonly attached?: number;
}

export interface NetworkDefinition extends NetworkShape {
  /** As RFC 9562 writes it; given back in lower case. */
  readonly uuid: string;
  readonly nativeName: string;
}
