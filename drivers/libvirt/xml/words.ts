import type { DiskBus, InterfaceModel, VolumeFormat } from '#drivers/driver.js';
import { element, type XmlElement } from '#drivers/xml/tree.js';

/** How a host has its disks written. */
export interface DiskWords {
  /** Who serves one of this format, `<driver name=…>`; undefined where nobody can choose. */
  readonly driver: (format: VolumeFormat) => string | undefined;
  /** On which bus a disk is of which nobody said on which, and a CD-ROM drive. */
  readonly bus: DiskBus;
  readonly cdromBus: DiskBus;
  /** Who serves discs, where that is somebody else than of a raw disk. */
  readonly cdromDriver?: string;
}

/** Every machine's firmware and every guest's installer knows drives on SATA. */
export const qemuDisks: DiskWords = { driver: () => 'qemu', bus: 'VirtioBlk', cdromBus: 'SATA' };

/** How a host has its interfaces written. */
export interface InterfaceWords {
  /** Which model one is of which nobody said what; undefined where it is left to the host, or there are none. */
  readonly model: InterfaceModel | undefined;
}

/** How a host has its screens written. */
export interface GraphicsWords {
  readonly video: XmlElement;
  /** A pointer that says where it is, not how far it went: else it runs away from the viewer's. */
  readonly tablet: boolean;
}

/** Every guest, its firmware and its installer know VGA. */
export const vgaGraphics: GraphicsWords = { video: element('model', { type: 'vga' }), tablet: true };

export const virtioInterfaces: InterfaceWords = { model: 'Virtio' };
