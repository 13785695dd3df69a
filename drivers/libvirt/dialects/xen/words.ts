import type { DiskWords, InterfaceWords } from '../../xml/words.js';

/** The kernel of the first domain serves plain disks; what has a format of its own QEMU does, which runs beside each machine that has one. */
export const xenDisks: DiskWords = { driver: (format) => (format === 'Raw' ? 'phy' : 'qemu'), bus: 'XenBlk', cdromBus: 'XenBlk' };

export const xenInterfaces: InterfaceWords = { model: 'XenNet' };
