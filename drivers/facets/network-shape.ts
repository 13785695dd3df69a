/** A network, in the API's words. Addresses are written as RFC 5952 and dotted decimals have them, MAC addresses in lower case. */
export interface NetworkShape {
  readonly forward: NetworkForward;
  /** Absent: the host's choice. */
  readonly mtu?: number;
  /** The 802.1Q tag that frames of its machines have on the bridge. */
  readonly vlan?: number;
  readonly ipv4?: Subnet;
  readonly ipv6?: Subnet;
  /** Names within are answered here alone, and never asked for elsewhere. */
  readonly domain?: string;
  /** Names that the network's own DNS answers beside those of its DHCP. */
  readonly records: readonly NameRecord[];
}

/** As the host has it, which may be in a way that we have no words for. */
export type NativeNetworkShape = Omit<NetworkShape, 'forward'> & { readonly forward: NetworkForward | { readonly mode: 'Other' } };

/**
 * How frames leave: `None` not at all; `NAT`, `Route` and `Open` (routed, and no firewall rules) through the host, by one `device` or by any;
 * `Bridge` and `OpenVSwitch` a bridge that the host has, of either kind; `Direct` a device that
 * the host has, each machine beside it (macvtap, or a switch of Hyper-V). `host`: whether the host is on the network, too; absent: as it is, and
 * as that kind of network usually is at first.
 */
export type NetworkForward =
  | { readonly mode: 'None'; readonly host?: HostAttachment }
  | { readonly mode: 'Open' }
  | { readonly mode: 'NAT' | 'Route'; readonly device?: string }
  | { readonly mode: 'Bridge' | 'OpenVSwitch'; readonly bridge: string }
  | { readonly mode: 'Direct'; readonly device: string; readonly host?: HostAttachment };

export type HostAttachment = 'Attached' | 'Detached';

export interface Subnet {
  /** The host's own in the network. */
  readonly address: string;
  /** Length of the prefix, in bits. */
  readonly prefix: number;
  readonly ranges: readonly AddressRange[];
  readonly hosts: readonly StaticHost[];
}

/** What DHCP gives away, the ends included. */
export interface AddressRange {
  readonly start: string;
  readonly end: string;
}

/** A machine that DHCP always gives the same address: known by its MAC address in IPv4, by its DUID in IPv6. */
export interface StaticHost {
  readonly macAddress?: string;
  readonly duid?: string;
  readonly ip: string;
  readonly name?: string;
}

export interface NameRecord {
  readonly name: string;
  readonly ip: string;
}
