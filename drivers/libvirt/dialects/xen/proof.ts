import type { Proof } from '#drivers/proof.js';

export const proof: Proof = {
  host: 'libvirt with Xen',
  proven: [
    {
      what: 'machines, paravirtualised and in PVH',
      by: 'real',
      tests: ['test/contract/xen.test.ts', 'test/faults/xen.test.ts'],
      note: 'Xen 4.17 under QEMU’s emulation',
    },
  ],
};
