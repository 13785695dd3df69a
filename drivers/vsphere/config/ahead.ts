import type { DiskBus, MachineDefinition, MachineDisk, MachineShape, VolumeFormat } from '#drivers/driver.js';

/** What the drivers' interface has no words for yet, and vSphere needs. Each goes away as the interface learns it. */
export type VsphereDiskBus = DiskBus | 'Pvscsi' | 'LsiLogic';
export type VsphereVolumeFormat = VolumeFormat | 'Vmdk';
export type Firmware = 'BIOS' | 'UEFI';
export type InterfaceModel = 'Vmxnet3' | 'E1000e';

export interface VsphereInterface {
  readonly name: string;
  /** As `Network.nativeName`. It need not be there yet when a machine is defined, only when it is started. */
  readonly network: string;
  readonly model?: InterfaceModel;
  readonly macAddress?: string;
}

interface Ahead {
  readonly interfaces?: readonly VsphereInterface[];
  readonly firmware?: Firmware;
  readonly vsphere?: { readonly guestId: string };
}

export type VsphereShape = MachineShape & Ahead;
export type VsphereDefinition = MachineDefinition & Ahead;

/** The interface's own type, of what it will have. */
export const asDiskBus = (bus: VsphereDiskBus): DiskBus => bus as DiskBus;
export const asVolumeFormat = (format: VsphereVolumeFormat): VolumeFormat => format as VolumeFormat;
export const isVmdk = ({ format }: Pick<MachineDisk, 'format'>): boolean => (format as VsphereVolumeFormat) === 'Vmdk';
