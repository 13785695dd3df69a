import type { Proof } from '#drivers/proof.js';

export const proof: Proof = {
  host: 'libvirt with Xen',
  proven: [
    {
      what: 'machines, paravirtualised, in PVH, and of HVM with a guest of 512 bytes',
      by: 'real',
      tests: ['test/contract/xen.test.ts', 'test/faults/xen.test.ts'],
      note: 'Xen 4.17 under QEMU’s emulation',
    },
  ],
};
