import t from 'tap';
import { meaningOf } from './words.js';

t.test('a word means what the table says, and nothing that every object has', async (t) => {
  const table = { kvm: 'KVM' };
  t.equal(meaningOf(table, 'kvm'), 'KVM');
  for (const word of ['qemu', '', undefined, 'constructor', 'toString', '__proto__']) t.equal(meaningOf(table, word), undefined);
});
