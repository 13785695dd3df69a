import type { Credentials } from './credentials.js';
import type { DriverError } from './error.js';

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
  readonly pools?: Pools;
  readonly volumes?: Volumes;
  readonly networks?: Networks;
  readonly consoles?: Consoles;
  readonly guests?: Guests;
  readonly events?: Events;
  readonly stats?: Stats;
  /** Resolves, never rejects, when the host is no longer reached through this driver (disposed, or lost): every verb is then Unavailable. */
  readonly closed: Promise<void>;
}

export type Facet = Exclude<keyof Driver, symbol | 'closed'>;
export type FacetOf<F extends Facet> = NonNullable<Driver[F]>;

export interface Host {
  /** Versions, capacity and what this host accepts, as data: published in status, so that placement needs no driver. */
  describe(signal: AbortSignal): Promise<HostDescription>;
}

export interface HostDescription {
  /** The hypervisor in the API's words, e.g. `QEMU`. */
  readonly hypervisor: string;
  /** Component to version, e.g. `{ QEMU: '7.2.22', libvirt: '9.0.0' }`. */
  readonly versions: Readonly<Record<string, string>>;
  readonly architecture: string;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  readonly capabilities: readonly Capability[];
}

/** Accepted values of one field (a path in the API's words, e.g. `cpu.count`), or its bounds (bytes for sizes; for `nativeName` its length in bytes). A field without a capability is not accepted at all; nor is a verb that has one, as `power.startPaused`. */
export interface Capability {
  readonly field: string;
  readonly values?: readonly string[];
  readonly min?: number;
  readonly max?: number;
  /** Why it is so, for people: `"KVM was tried: no serial output within 10 s"`. */
  readonly reason?: string;
  /**
   * What a change takes in a machine that is not Off: see `Live`. Absent: it waits for the machine's next start. Of the fields `disks` and
   * `interfaces` it is about adding and removing whole ones, `values` the buses or models with which that goes; CD-ROM drives never do, and
   * of `disks.cdrom` it is about the disc in one.
   */
  readonly change?: 'Live' | 'Hotplug';
}

export type MachineId = string & { readonly __brand: 'MachineId' };
export type PoolId = string & { readonly __brand: 'PoolId' };
export type NetworkId = string & { readonly __brand: 'NetworkId' };
export interface VolumeId {
  readonly pool: PoolId;
  readonly nativeName: string;
}

/** Whose a machine is: written on the host, in the machine itself. */
export interface OwnerMark {
  readonly cluster: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** What is kept in the machine on the host: whose it is, and the controllers' record of what the host forgets. */
export interface Mark {
  readonly owner: OwnerMark;
  /** Opaque to drivers, at most 4 KiB of text; empty when nothing was recorded. */
  readonly record: string;
}

export interface Machines {
  /** All machines, ours or not, running without a definition or not, state only: one call however many there are. */
  list(signal: AbortSignal): Promise<readonly Glance[]>;
  /** Full reads in a batch; an id that is gone is left out. One machine that cannot be read does not hide the others: it is told apart. */
  read(ids: readonly MachineId[], signal: AbortSignal): Promise<Readings>;
  /**
   * Makes the machine's definition say this: creates it, or edits the native one where it differs and nowhere else.
   * The mark that `read` gives is then this one. Live hardware is not touched; a machine running without a definition gets one.
   * When nothing differs, nothing is written. A machine is found by its uuid and keeps the native name it has.
   * NotOurs when the uuid or the native name belongs to another owner, or to a machine without a mark; Conflict when the name
   * belongs to another machine of the same owner; Invalid or Unsupported when the host's capabilities do not accept it.
   */
  define(definition: MachineDefinition, mark: Mark, signal: AbortSignal): Promise<MachineId>;
  /**
   * Replaces the mark, in the definition and in the running machine, and nothing else. `from` is whose mark it carries now, undefined
   * for none: this is how a machine is taken over or adopted. NotOurs when it carries neither that nor already `mark`'s owner's; NotFound when it is gone.
   */
  mark(id: MachineId, mark: Mark, from: OwnerMark | undefined, signal: AbortSignal): Promise<void>;
  /**
   * Forgets a machine that is off; its disks stay. With `keepState` so does what its firmware and its TPM wrote down, where the host keeps that
   * apart. NotOurs when it is not `owner`'s (unmarked ones are not); Conflict when it is not off; gone already is success.
   */
  undefine(id: MachineId, owner: OwnerMark, options: { readonly keepState: boolean }, signal: AbortSignal): Promise<void>;
}

/**
 * Verbs on a machine that exists; NotFound when it does not. Those that can lose data re-check the owner: NotOurs unless the
 * machine carries `owner`'s mark. Already so is success, and changes nothing. Conflict when its state has no room for the verb.
 */
export interface Power {
  /**
   * With `paused`, the guest executes nothing until `resume`; Unsupported where the host cannot do that (no `power.startPaused`), and nothing is
   * started. A machine that is not Off is left as it is: a paused one stays paused.
   */
  start(id: MachineId, options: { readonly paused: boolean }, signal: AbortSignal): Promise<void>;
  /** Press the power button; the guest may ignore it, and a paused one does not hear. Off already is success. */
  press(id: MachineId, owner: OwnerMark, signal: AbortSignal): Promise<void>;
  /** Cut the power, whatever the state: Off, reason `Cut`. Off already keeps its reason. A machine without a definition is then gone. */
  cut(id: MachineId, owner: OwnerMark, signal: AbortSignal): Promise<void>;
  /** As the reset button: the guest starts anew, the machine stays on with the hardware it has, a paused one paused. Conflict when it is Off. */
  reset(id: MachineId, owner: OwnerMark, signal: AbortSignal): Promise<void>;
  /** Paused already keeps its reason. Conflict when it is Off. */
  pause(id: MachineId, signal: AbortSignal): Promise<void>;
  /** Conflict when it is Off or its guest crashed; Busy when the host itself paused it (`Busy`). */
  resume(id: MachineId, signal: AbortSignal): Promise<void>;
}

/**
 * Changes in a machine that is not Off: those for which a capability has a `change`. `Live` needs no guest; with `Hotplug` hardware comes and
 * goes, and the guest may be slow to let go of it, or never do.
 */
export interface Live {
  /**
   * Brings one part of a running machine to what its definition says, and nothing else: plugs in, takes out, changes what is there. Already so
   * is success. What the guest has a say in is only asked of it: look whether it has let go. NotOurs unless the machine carries `owner`'s
   * mark; Conflict when it is Off; NotFound when it is gone, or what is to be plugged in is not there; Unsupported or Invalid when this part
   * changes only with the machine off; Exhausted when it has no free slot.
   */
  apply(id: MachineId, owner: OwnerMark, part: Part, signal: AbortSignal): Promise<void>;
}

/** What changes on its own in a running machine. Disks, among them CD-ROM drives, and interfaces by their names. */
export type Part =
  | { readonly kind: 'cpu' }
  | { readonly kind: 'memory' }
  | { readonly kind: 'disk'; readonly name: string }
  | { readonly kind: 'interface'; readonly name: string };

/** The hardware of a machine, in the API's words. */
export interface MachineShape {
  readonly cpuCount: number;
  /** How many there can be while it runs. Absent: `cpuCount`, or what the machine has already. */
  readonly maxCpuCount?: number;
  /** Of what `live` shows: what the guest has now, which a balloon takes from it and gives back. */
  readonly memoryBytes: number;
  /** To how much it can grow while it runs. Absent: `memoryBytes`, or what the machine has already. */
  readonly maxMemoryBytes?: number;
  /** Absent: the host's best, chosen when the machine is first defined and kept from then on. */
  readonly firmware?: Firmware;
  readonly boot?: KernelBoot;
  /** What firmware tries, first things first. Absent: the host's choice, or as it is. */
  readonly bootOrder?: readonly BootDevice[];
  readonly disks: readonly MachineDisk[];
  /** Drives for discs, which the guest can only read. Their names and those of the disks are one set. Absent: none. */
  readonly cdroms?: readonly MachineCdrom[];
  readonly interfaces: readonly MachineInterface[];
  readonly serial: boolean;
  readonly rng: boolean;
  /** A channel by which an agent in the guest can speak with the host. */
  readonly guestAgent?: boolean;
  /** What the guest is told at its first boot. */
  readonly seed?: MachineSeed;
  /** What only vSphere has a word for. Absent: the host's choice. */
  readonly vsphere?: { readonly guestId: string };
}

/** `UEFI` is without secure boot. */
export type Firmware = 'BIOS' | 'UEFI';

/**
 * What a guest configures itself from, and where it lies, as `Volume.location` gives it. For `CloudInit` and `Sysprep` that is an ISO image,
 * and the guest finds it in a drive that it can only read; for `Ignition` it is the configuration itself, given in the way that Ignition
 * looks for on the host.
 */
export interface MachineSeed {
  readonly kind: SeedKind;
  readonly location: string;
}

export type SeedKind = 'CloudInit' | 'Ignition' | 'Sysprep';

export interface KernelBoot {
  /** Locations as `Volume.location` gives them. */
  readonly kernel: string;
  readonly initrd?: string;
  readonly commandLine?: string;
}

/** A disk or a CD-ROM drive, or an interface, by its name. */
export interface BootDevice {
  readonly kind: 'disk' | 'interface';
  readonly name: string;
}

export interface MachineDisk {
  /** The disk's name in the manifest, carried by the native device. */
  readonly name: string;
  /** As `Volume.location` gives it. */
  readonly location: string;
  readonly format: VolumeFormat;
  /** Absent: the host's best, chosen when the disk is first defined and kept from then on. */
  readonly bus?: DiskBus;
  readonly serial?: string;
  /** How the host caches what is written; absent, like the next two: its own choice, or as it is. */
  readonly cache?: DiskCache;
  readonly io?: DiskIo;
  /** Whether what the guest discards is given back to the store. */
  readonly discard?: 'Ignore' | 'Unmap';
  /** Absent: as they are; what it does not name is not limited. */
  readonly limits?: DiskLimits;
}

export type DiskCache = 'None' | 'WriteBack' | 'WriteThrough' | 'DirectSync' | 'Unsafe';
export type DiskIo = 'Native' | 'Threads' | 'IoUring';

/** The most that the guest may do per second, more than 0. Totals are instead of reads and writes. */
export interface DiskLimits {
  readonly totalIops?: number;
  readonly readIops?: number;
  readonly writeIops?: number;
  readonly totalBytes?: number;
  readonly readBytes?: number;
  readonly writeBytes?: number;
}

export interface MachineCdrom {
  readonly name: string;
  /** Of a raw image, as `Volume.location` gives it. Absent: the tray is empty. */
  readonly location?: string;
  /** As a disk's. */
  readonly bus?: DiskBus;
}

export interface MachineInterface {
  /** The interface's name in the manifest, carried by the native device. */
  readonly name: string;
  /** As `Network.nativeName`. It need not be there yet when a machine is defined, only when it is started. */
  readonly network: string;
  /** Absent: the host's best, chosen when the interface is first defined and kept from then on. */
  readonly model?: InterfaceModel;
  /** Of one interface, in lower case. Absent: the host's choice, made when the interface is first defined and kept from then on. */
  readonly macAddress?: string;
  /** The largest packet, in bytes. Absent: the network's, or as it is. */
  readonly mtu?: number;
  /** Whether the cable is plugged in. Absent: as it is, and `Up` at first. */
  readonly linkState?: 'Up' | 'Down';
}

export type InterfaceModel = 'Virtio' | 'E1000e' | 'Vmxnet3';
export type DiskBus = 'VirtioBlk' | 'VirtioScsi' | 'SATA' | 'Pvscsi' | 'LsiLogic';
export type VolumeFormat = 'Raw' | 'Qcow2' | 'Vmdk';

export interface MachineDefinition extends MachineShape {
  /** As RFC 9562 writes it; given back in lower case. */
  readonly uuid: string;
  readonly nativeName: string;
}

/** What "the host's best" became, as field and value: `{ accelerator: 'TCG', machine: 'pc-q35-7.2' }`. */
export type Hardware = Readonly<Record<string, string>>;

export interface PowerState {
  readonly state: 'Off' | 'On' | 'Paused' | 'Stopping';
  readonly reason: PowerReason;
}

/**
 * Why a machine is in its state. Off: `Guest` (powered itself off), `Cut`, `Orderly` (one of these two, the host does not tell which), `Crashed` (guest or hypervisor process), `Failed` (could not start),
 * `Saved`, `Unknown` (never ran, or the host forgot). Paused: `User`, `StartingUp` (started paused, or not yet let run; libvirt
 * forgets this and says `User`, so who must know whether a first start was finished writes it into the record), `IOError`, `Crashed`,
 * `Busy` (the host pauses it for work of its own: leave it). On: `Booted` or `Unknown`. Stopping: `Guest`, `Cut` or `Unknown`; many hosts
 * show a machine as On until it is Off, so nobody may wait for Stopping.
 */
export type PowerReason =
  | 'Booted'
  | 'Guest'
  | 'Cut'
  | 'Orderly'
  | 'Crashed'
  | 'Failed'
  | 'Saved'
  | 'User'
  | 'StartingUp'
  | 'IOError'
  | 'Busy'
  | 'Unknown';

export interface Glance {
  readonly id: MachineId;
  readonly uuid: string;
  readonly nativeName: string;
  readonly power: PowerState;
}

export interface Machine extends Glance {
  /** Absent when the machine carries no mark of ours. */
  readonly mark?: Mark;
  /** What it has at its next start, the host's choices (such as a bus) filled in. Absent when the host holds no definition (undefined while running). */
  readonly configured?: MachineShape;
  /** What it has now, while not Off. */
  readonly live?: MachineShape;
  readonly hardware: Hardware;
}

export interface Readings {
  readonly machines: readonly Machine[];
  readonly unread: readonly Unread[];
}

/** A machine that is there, and cannot be read. */
export interface Unread {
  readonly glance: Glance;
  readonly reason: DriverError;
}

/**
 * A pool is ours by its uuid, which we gave it; one that the host had before (capability `pools.existing`) is found by its native name in
 * the list, and no verb but those of its volumes is called on it. Which kinds can be made is told by `pools.<kind>`, as `pools.directory`;
 * of a host that makes none, the verbs that make and unmake are Unsupported.
 */
export interface Pools {
  /** All pools, ours or not. */
  list(signal: AbortSignal): Promise<readonly Pool[]>;
  /**
   * Defines the pool if need be, and makes the directory that it is, or is mounted on; it is not started. Nothing is written into a store: file
   * systems, volume groups and partition tables are there, or `start` fails. A pool is found by its uuid, keeps the native name it has,
   * and is never moved: Invalid when it has another source. NotOurs when the native name, the path or the store belongs to another uuid.
   */
  define(definition: PoolDefinition, signal: AbortSignal): Promise<PoolId>;
  /** What is stored in the pool is known from then on. NotFound when there is no such pool. */
  start(id: PoolId, signal: AbortSignal): Promise<void>;
  /** Stops and forgets the pool; what is stored in it stays. Gone already is success. */
  undefine(id: PoolId, signal: AbortSignal): Promise<void>;
}

export interface PoolDefinition {
  readonly uuid: string;
  readonly nativeName: string;
  readonly source: PoolSource;
  /** `username` and `password`, where the store asks for them. They are set anew with every `define`, kept by the host, and given back by nobody. */
  readonly credentials?: Credentials;
}

/** What a pool is made of, in the API's words; `path` is where its files are, or where its store is mounted. */
export type PoolSource =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'filesystem'; readonly device: string; readonly format?: FilesystemFormat; readonly path: string }
  | { readonly kind: 'nfs'; readonly server: string; readonly export: string; readonly version?: NfsVersion; readonly path: string }
  | { readonly kind: 'gluster'; readonly server: string; readonly volume: string; readonly path: string }
  | { readonly kind: 'lvm'; readonly volumeGroup: string }
  | { readonly kind: 'zfs'; readonly dataset: string }
  | { readonly kind: 'disk'; readonly device: string; readonly label: PartitionLabel }
  | { readonly kind: 'iscsi'; readonly server: string; readonly target: string; readonly initiator?: string };

export type PoolKind = PoolSource['kind'];
export type PartitionLabel = 'GPT' | 'DOS';
export type FilesystemFormat = 'Ext4' | 'XFS';
export type NfsVersion = 'V3' | 'V4' | 'V4.1' | 'V4.2';

export interface Pool {
  readonly id: PoolId;
  readonly uuid: string;
  readonly nativeName: string;
  readonly active: boolean;
  readonly path?: string;
  /** Absent for a store of a kind that we make no pools of. */
  readonly source?: PoolSource;
  /** That volumes made here can have, the host's best first; none where we cannot make volumes. */
  readonly formats: readonly VolumeFormat[];
  /** What can be done with volumes here; the other verbs are Unsupported, and change nothing. */
  readonly can: readonly VolumeVerb[];
  /** It does not answer, as when the server behind it is away; all else is as it was last seen. */
  readonly silent?: true;
  readonly capacityBytes: number;
  readonly allocationBytes: number;
  readonly availableBytes: number;
}

/** `stream` is upload and download. A store whose volumes cannot grow has them at their full size from the first, and what was there before is in them until an upload. */
export type VolumeVerb = 'create' | 'delete' | 'grow' | 'stream';

/** Every verb: NotFound when there is no such pool; Conflict when the pool is not active. */
export interface Volumes {
  /** Everything in the pool as the host knows it. With `refresh` the host looks at its store first. */
  list(pool: PoolId, options: { readonly refresh: boolean }, signal: AbortSignal): Promise<readonly Volume[]>;
  /** Makes an empty volume; Invalid or Unsupported in a format that the pool has not, but every pool takes a `Raw` one of 0 bytes, an empty file. Conflict when one of that name exists, however alike: look at it. Exhausted when the pool has no room. */
  create(definition: VolumeDefinition, signal: AbortSignal): Promise<Volume>;
  /**
   * Makes a volume with what the guest sees of `from`, in the definition's format and grown to its size; it stands alone. Nobody may write to
   * `from` meanwhile. Resolves when all of it is there, which may take hours; when it breaks midway, a part is left, which the host may still be
   * at work on: until it has given up, `delete` is a Conflict. Conflict when a volume of that name exists; NotFound when `from` is gone; Invalid
   * when it is larger, or holds something that the host takes for another format than it was made with; Unsupported where the host cannot (`volumes.clone` without `Full`).
   */
  copy(definition: VolumeDefinition, from: VolumeSource, signal: AbortSignal): Promise<Volume>;
  /**
   * Makes a Qcow2 volume, in the pool of `base`, that keeps only what differs from it: `base` may not be written to, nor deleted, as long as
   * there is one. Conflict, NotFound and Invalid as with `copy`; Unsupported where the host cannot (`volumes.clone` without `Linked`).
   */
  link(definition: VolumeDefinition, base: VolumeSource, signal: AbortSignal): Promise<Volume>;
  /**
   * Replaces the content, from the first byte on, then resolves when the host has all of it. Nothing longer that was there before is left:
   * the stored file is then exactly `content`, which brings its own size. When it breaks midway, a part is left, and uploading again heals it.
   * NotFound when there is no such volume; Exhausted when the pool has no room. A source that throws rejects the upload, its error as `cause`.
   */
  upload(id: VolumeId, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
  /** The raw content of the stored file, as is: for a Qcow2 volume its header comes first. A range beyond the end gives what there is; a signal that ends rejects, so a cut stream never looks whole. */
  download(id: VolumeId, range: { readonly offset: number; readonly length: number }, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Grows what the guest sees to `sizeBytes`; never shrinks. Invalid when the volume is larger; NotFound when it is gone; Exhausted when the pool has no room. */
  grow(id: VolumeId, sizeBytes: number, signal: AbortSignal): Promise<void>;
  /**
   * The same for a disk of a machine that is not Off, whose guest is told of it; Unsupported where the host cannot (no `volumes.growAttached`).
   * Conflict when the machine is Off; NotFound when it, or the volume, is gone, or the volume is no disk of it.
   */
  growAttached(id: VolumeId, machine: MachineId, sizeBytes: number, signal: AbortSignal): Promise<void>;
  /**
   * Leaves nothing of the content to be read, so that the volume can be deleted: in its place are zeros, or nothing. Resolves when it is done, which may take
   * hours. NotFound when it is gone; Unsupported where the host cannot (no `volumes.wipe`).
   */
  wipe(id: VolumeId, signal: AbortSignal): Promise<void>;
  /** Gone already is success. */
  delete(id: VolumeId, signal: AbortSignal): Promise<void>;
}

export interface VolumeDefinition {
  readonly pool: PoolId;
  readonly nativeName: string;
  readonly format: VolumeFormat;
  /** What the guest sees. For a volume that is about to be filled: 0, and the content brings its own. */
  readonly sizeBytes: number;
}

/** What another volume is made from. */
export interface VolumeSource {
  readonly id: VolumeId;
  /** As it was made, whatever it looks like: its guest may have written anything. */
  readonly format: VolumeFormat;
}

export interface Volume {
  readonly id: VolumeId;
  /** What a machine's disk is given: a path, never a reference into a pool. */
  readonly location: string;
  readonly format?: VolumeFormat;
  readonly sizeBytes: number;
  readonly allocationBytes: number;
  /** Location of the volume that this one keeps only its differences from. */
  readonly base?: string;
}

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
 * the host has, each machine beside it (macvtap).
 */
export type NetworkForward =
  | { readonly mode: 'None' | 'Open' }
  | { readonly mode: 'NAT' | 'Route'; readonly device?: string }
  | { readonly mode: 'Bridge' | 'OpenVSwitch'; readonly bridge: string }
  | { readonly mode: 'Direct'; readonly device: string };

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

export interface NetworkDefinition extends NetworkShape {
  /** As RFC 9562 writes it; given back in lower case. */
  readonly uuid: string;
  readonly nativeName: string;
}

export interface Consoles {
  /**
   * The serial console of a running machine. A second opener takes it over from the first. NotFound when the machine is gone;
   * Conflict when it is Off; Invalid when it has no serial console.
   */
  open(id: MachineId, signal: AbortSignal): Promise<Console>;
}

export interface Console extends AsyncDisposable {
  /** Ends when the machine stops or another opener takes over. */
  readonly output: AsyncIterable<Uint8Array>;
  /** Conflict when the console has ended. */
  write(bytes: Uint8Array, signal: AbortSignal): Promise<void>;
}

/** What is known of the systems in machines: from an agent in them, or from others who had to do with them. */
export interface Guests {
  /**
   * What is known now. NotFound when the machine is gone, Conflict when it is Off. An agent that does not answer is not waited for longer
   * than a few seconds: it is told as `Silent`, and what others know is told all the same. Nothing here is proven: a guest says what it likes.
   */
  look(id: MachineId, signal: AbortSignal): Promise<GuestSight>;
}

export interface GuestSight {
  /** Absent when the machine has no channel for one now. `Silent`: it is connected, and does not answer. */
  readonly agent?: 'Connected' | 'Disconnected' | 'Silent';
  /** As the agent says it. */
  readonly hostname?: string;
  readonly os?: GuestSystem;
  /** Of the machine's interfaces and of whatever else the guest has; loopback ones are left out. */
  readonly addresses: readonly GuestAddress[];
}

/** As the agent says it: `{ id: 'debian', name: 'Debian GNU/Linux 12 (bookworm)', version: '12', kernel: '6.1.0' }`. */
export interface GuestSystem {
  readonly id?: string;
  readonly name?: string;
  readonly version?: string;
  readonly kernel?: string;
}

export interface GuestAddress {
  /** In lower case. */
  readonly macAddress: string;
  readonly ip: string;
  /** Who says so: the agent now, the host's DHCP server, or the host's table of neighbours. The last two may be older than the machine's boot. */
  readonly source: 'Agent' | 'Lease' | 'ARP';
  /** When it was given or last renewed, in epoch milliseconds by the host's clock; absent where nobody tells. */
  readonly since?: number;
}

export interface Events {
  /**
   * Hints to look again: never state. A gap means that hints may have been lost. Begins with a gap, once the host hears us:
   * whoever lists after that misses nothing. Ends, without an error, with the connection or the signal.
   */
  watch(signal: AbortSignal): AsyncIterable<HostEvent>;
}

export type HostEvent =
  | { readonly kind: 'machine'; readonly id: MachineId }
  | { readonly kind: 'pool'; readonly id: PoolId }
  | { readonly kind: 'network'; readonly id: NetworkId }
  /** The machine's agent came or went. */
  | { readonly kind: 'guest'; readonly id: MachineId }
  | { readonly kind: 'gap' };

export interface Stats {
  /** Of all running machines at once; a machine that does not answer is left out rather than waited for. */
  read(signal: AbortSignal): Promise<readonly MachineStats[]>;
}

export interface MachineStats {
  readonly id: MachineId;
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
  readonly disks: readonly { readonly name: string; readonly readBytes: number; readonly writtenBytes: number }[];
}
