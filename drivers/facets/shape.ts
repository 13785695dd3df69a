import type { DiskLimits, MachineCdrom, MachineDisk } from './disk.js';

/** The hardware of a machine, in the API's words. */
export interface MachineShape {
  readonly cpuCount: number;
  /** How many there can be while it runs. Absent: `cpuCount`, or what the machine has already. */
  readonly maxCpuCount?: number;
  /** Its weight among the machines of the host that want CPU time at once. Absent: the host's usual, or as it is. */
  readonly cpuShares?: number;
  /** Of what `live` shows: what the guest has now, which a balloon takes from it and gives back. */
  readonly memoryBytes: number;
  /** To how much it can grow while it runs. Absent: `memoryBytes`, or what the machine has already. */
  readonly maxMemoryBytes?: number;
  /** Down to how much the host may take it from a guest that does not use it. Absent: `memoryBytes`, or what the machine has already. */
  readonly minMemoryBytes?: number;
  /** Absent: the host's best, chosen when the machine is first defined and kept from then on. */
  readonly firmware?: Firmware;
  /** UEFI that boots only what is signed with keys that come with it. Absent: as it is, and without at first. */
  readonly secureBoot?: boolean;
  /** Absent: none. */
  readonly tpm?: TpmVersion;
  readonly boot?: KernelBoot;
  /** What firmware tries, first things first. Absent: the host's choice, or as it is. */
  readonly bootOrder?: readonly BootDevice[];
  readonly disks: readonly MachineDisk[];
  /** Drives for discs, which the guest can only read. Their names and those of the disks are one set. Absent: none. */
  readonly cdroms?: readonly MachineCdrom[];
  readonly interfaces: readonly MachineInterface[];
  /** Locations of what else is in its drives, put there by others. The host tells: nobody asks for it. */
  readonly uses?: readonly string[];
  readonly serial: boolean;
  /**
   * The file in which the host writes down what the serial console prints, anew from each start on, and which others cannot read. Its name ends
   * in `.console`: a file of another name is somebody else's wish, is not told of, and stays. Absent: nothing is written down.
   */
  readonly serialLog?: string;
  readonly rng: boolean;
  /** A channel by which an agent in the guest can speak with the host. */
  readonly guestAgent?: boolean;
  /** A screen, keyboard and pointer that are reached over the network. Absent: none. */
  readonly graphics?: MachineGraphics;
  /** It has a screen all the same, of which pictures can be had. The host's choice: nobody asks for it. */
  readonly screen?: true;
  /** What the guest is told at its first boot. */
  readonly seed?: MachineSeed;
  /** What only vSphere has a word for. Absent: the host's choice. */
  readonly vsphere?: { readonly guestId: string };
  /** A container: it shares the kernel of its host, and has this instead of firmware, kernel and disks. */
  readonly container?: ContainerShape;
  /** What only Hyper-V has a word for. */
  readonly hyperv?: HypervShape;
  /** What only Xen has a word for. Absent: the host's best, chosen when the machine is first defined and kept from then on. */
  readonly xen?: { readonly mode: XenMode };
}

export interface HypervShape {
  /** How much more than its guest uses a machine is kept, in percent. Absent: as it is, and the host's choice at first. */
  readonly memoryBufferPercent?: number;
  /**
   * COM ports that end in a pipe of the host's, in their order. The pipe's name is the host's driver's to choose: no two machines have one. Absent: none;
   * what others connected is not told, and stays.
   */
  readonly comPorts?: readonly ComPortName[];
}

export type ComPortName = 'COM1' | 'COM2';

export interface ContainerShape {
  /** The directory that is its root, as `Volume.location` gives it, its own alone, as a disk is; or one of the host's own. */
  readonly root: string;
  /** What runs first in it, by its path there, and its arguments. With it the container ends. */
  readonly init: readonly [string, ...string[]];
  /** Absent: none. Paths are one set. */
  readonly mounts?: readonly ContainerMount[];
  /** Its users are the host's own. Absent: they are nobody's there. */
  readonly privileged?: true;
  /** On each of the host's disks that its directories are on. Absent: as they are; what it does not name is not limited. */
  readonly limits?: ContainerLimits;
  /** What its directories lie on. A driver finds it out: nobody asks for it, and it is not told. */
  readonly ground?: ContainerGround;
}

export interface ContainerGround {
  /** The host's disks that its directories are on, as the host calls them. */
  readonly disks: readonly string[];
  /** Whose its root is: the first of the host's users that its own are. Absent: nobody has looked. */
  readonly firstUser?: number;
}

export type ContainerLimits = Omit<DiskLimits, 'totalIops' | 'totalBytes'>;

/** A directory of the host's that a container has beside its root. */
export interface ContainerMount {
  /** Where the container has it: an absolute path. */
  readonly path: string;
  /** As `Volume.location` gives it; or one of the host's own. */
  readonly location: string;
  readonly readOnly?: true;
}

export type Firmware = 'BIOS' | 'UEFI';
/** Paravirtualised; the same in a container of the CPU's; with all that a PC has. */
export type XenMode = 'PV' | 'PVH' | 'HVM';
/** `V2` is TPM 2.0, emulated, with a state of the machine's own. */
export type TpmVersion = 'V2';

/**
 * What a guest configures itself from, and where it lies, as `Volume.location` gives it, or what it is where it is carried. For `CloudInit` and `Sysprep` that is an ISO image,
 * and the guest finds it in a drive that it can only read; for `Ignition` it is the configuration itself, given in the way that Ignition
 * looks for on the host.
 */
export interface MachineSeed {
  readonly kind: SeedKind;
  /** On a host that carries its kind with the machine (`seeds.carried`): what this content, and no other, is called. */
  readonly location: string;
  /**
   * What is carried. Absent: in a volume, or what the machine has of that name stays. A definition with it has the host compared, and put right where
   * it differs; of a machine that is not Off it waits for the first definition after that. Never told, nor logged.
   */
  readonly content?: Uint8Array;
}

export type SeedKind = 'CloudInit' | 'Ignition' | 'Sysprep';

/** A server of the machine's own, which listens on its host and nowhere else. */
export interface MachineGraphics {
  readonly type: 'VNC';
  /** What it asks viewers for: 1 to 8 printable ASCII characters. Absent: as it is, and none at first. Never shown to anybody. */
  readonly password?: string;
}

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
  /** The tag (IEEE 802.1Q) that its frames have on the network, and the guest does not see. Absent: none. */
  readonly vlan?: number;
  /** Whether the cable is plugged in. Absent: as it is, and `Up` at first. */
  readonly linkState?: 'Up' | 'Down';
}

export type InterfaceModel = 'Virtio' | 'E1000e' | 'Vmxnet3' | 'Synthetic' | 'XenNet';

export interface MachineDefinition extends MachineShape {
  /** As RFC 9562 writes it; given back in lower case. */
  readonly uuid: string;
  readonly nativeName: string;
}

/** What "the host's best" became, as field and value: `{ accelerator: 'TCG', machine: 'pc-q35-7.2' }`. */
export type Hardware = Readonly<Record<string, string>>;
