import t from 'tap';
import { measured, ratios, summarize } from './contender.js';

t.test('of each figure the median and the best are taken, also of one that some rounds lack', async (t) => {
  const [a, many] = ['a', measured.throughput];
  const rounds = [{ [a]: 1, [many]: 10 }, { [a]: 9 }, { [a]: 2, [many]: 20 }];
  t.same(summarize(rounds), { median: { [a]: 2, [many]: 15 }, best: { [a]: 1, [many]: 20 } });
  t.same(summarize([]), { median: {}, best: {} });
});

t.test('one is set against the other in what both have', async (t) => {
  t.same(ratios({ a: 3, b: 1 }, { a: 2, c: 1 }), { a: 1.5 });
});
