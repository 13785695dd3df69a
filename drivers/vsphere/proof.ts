import type { Proof } from '#drivers/proof.js';

export const proof: Proof = {
  host: 'vSphere',
  proven: [
    {
      what: 'an ESX host, and a vCenter’s clusters and hosts',
      by: 'third-party simulator',
      tests: ['test/contract/vsphere.test.ts', 'test/faults/vsphere.test.ts', 'test/faults/vsphere-kills.test.ts'],
      note: 'govmomi’s vcsim; its machines run nothing',
    },
    { what: 'a real ESX host or vCenter', by: 'untested', tests: [] },
  ],
};
