import t from 'tap';
import { derivedUuid } from './derived-uuid.js';

t.test('a uuid tells whose it is, and is the same for good', async (t) => {
  t.equal(derivedUuid('pool', 'here', 'u', 'one'), derivedUuid('pool', 'here', 'u', 'one'));
  const all = [
    derivedUuid('pool', 'here', 'u', 'one'),
    derivedUuid('pool', 'there', 'u', 'one'),
    derivedUuid('pool', 'here', 'v', 'one'),
    derivedUuid('pool', 'here', 'u', 'two'),
    derivedUuid('pool', 'here', 'uo', 'ne'),
    derivedUuid('network', 'here', 'u', 'one'),
  ];
  t.equal(new Set(all).size, 6);
  for (const uuid of all) t.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  t.equal(derivedUuid('pool', 'cluster', 'uid', 'host'), 'af674494-9f18-87f2-8402-0645300eb133');
});
