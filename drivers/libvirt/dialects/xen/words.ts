import type { DiskWords, InterfaceWords } from '../../xml/words.js';

/**
 * The kernel of the first domain serves plain disks; what has a format of its own QEMU does, which runs beside each machine that has one, and
 * discs, which only HVM knows.
 */
export const xenDisks: DiskWords = {
  driver: (format) => (format === 'Raw' ? 'phy' : 'qemu'),
  bus: 'XenBlk',
  cdromBus: 'XenBlk',
  cdromDriver: 'qemu',
};

export const xenInterfaces: InterfaceWords = { model: 'XenNet' };
