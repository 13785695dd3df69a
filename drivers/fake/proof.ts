import type { Proof } from '#drivers/proof.js';

export const proof: Proof = {
  host: 'in memory',
  proven: [
    {
      what: 'all of the interface; nothing runs',
      by: 'own simulator',
      tests: ['test/contract/fake.test.ts'],
      note: 'the reference, on which the contract of all drivers is tried first',
    },
  ],
};
