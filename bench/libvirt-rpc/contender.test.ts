import t from 'tap';
import { ratios, summarize } from './contender.js';

t.test('of each figure the median is taken, also of one that some rounds lack', async (t) => {
  t.same(summarize([{ a: 1, b: 10 }, { a: 9 }, { a: 2, b: 20 }]), { a: 2, b: 15 });
  t.same(summarize([]), {});
});

t.test('one is set against the other in what both have', async (t) => {
  t.same(ratios({ a: 3, b: 1 }, { a: 2, c: 1 }), { a: 1.5 });
});
