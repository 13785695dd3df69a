import type { Proof } from '#drivers/proof.js';

export const proof: Proof = {
  host: 'Hyper-V',
  proven: [
    {
      what: 'machines without disks and interfaces, over both versions of WMI',
      by: 'own simulator',
      tests: ['test/contract/hyperv.test.ts', 'test/faults/hyperv.test.ts'],
      note: 'no more of the driver is there yet',
    },
    { what: 'a real Hyper-V host', by: 'untested', tests: [] },
  ],
};
