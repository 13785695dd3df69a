import type { Proof } from '#drivers/proof.js';

export const proof: Proof = {
  host: 'Hyper-V',
  proven: [
    {
      what: 'machines, their disks, cards, screens and guests, folders and switches, over both versions of WMI; shares and events over version 2',
      by: 'own simulator',
      tests: [
        'test/contract/hyperv.test.ts',
        'test/contract/hyperv-shares.test.ts',
        'test/faults/hyperv.test.ts',
        'test/faults/hyperv-ignition.test.ts',
        'test/faults/hyperv-adoption.test.ts',
        'test/faults/hyperv-shares.test.ts',
      ],
    },
    {
      what: 'what is in files, and agents that are killed amid an upload, in both versions',
      by: 'own simulator',
      tests: ['drivers/hyperv/uploads.test.ts', 'test/faults/hyperv-uploads.test.ts'],
    },
    { what: 'a real Hyper-V host', by: 'untested', tests: [] },
  ],
};
