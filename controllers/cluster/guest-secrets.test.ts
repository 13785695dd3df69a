import t from 'tap';
import { untilNextLook } from './guest-secrets.js';

t.test('what is missing is looked for soon at first, and then no more often than what is there', async (t) => {
  const after = (ms: number) => untilNextLook(1_000, 60_000, 1_000 + ms);
  t.same([0, 1_000, 10_000, 60_000, 120_000, 3_600_000].map(after), [1_000, 1_000, 5_000, 30_000, 60_000, 60_000]);
  t.equal(untilNextLook(undefined, 60_000, 0), 60_000);
  t.equal(untilNextLook(0, 200, 0), 200, 'whoever looks more often looks so at all');
});
