import t from 'tap';
import { median, type Round, summarize, sumOf } from './measure.js';

t.test('the median is the middle one, or the mean of the two', async (t) => {
  t.equal(median([9, 1, 5]), 5);
  t.equal(median([10, 2, 9, 1]), 5.5);
  t.ok(Number.isNaN(median([])));
});

t.test('a summary takes the median over the rounds, and counts per machine', async (t) => {
  const round = (wall: number, ready: readonly number[], statusWrites: number): Round => ({
    wall,
    machines: ready.map((time, index) => ({ uuid: `${index}`, started: time / 2, ready: time })),
    counts: { statusWrites },
  });
  const summary = summarize('ours', [round(9, [2, 4], 8), round(7, [6, 8], 12), round(8, [4, 6], 10)]);
  t.strictSame(summary, { contender: 'ours', rounds: 3, wall: 8, started: 2.5, ready: 5, countsPerMachine: { statusWrites: 5 } });
});

t.test('a counter is summed over the series whose labels match', async (t) => {
  const text = [
    '# TYPE requests_total counter',
    'requests_total{code="200",resource="virtualmachines",subresource="status",verb="PATCH"} 7',
    'requests_total{code="409",resource="virtualmachines",subresource="status",verb="PUT"} 2',
    'requests_total{code="200",resource="virtualmachines",subresource="",verb="PATCH"} 100',
    'requests_total{code="200",resource="a\\"}b",subresource="status",verb="GET"} 1e3',
    'requests_total_more{subresource="status"} 5',
    'calls_total 12',
  ].join('\n');
  t.equal(sumOf(text, 'requests_total', { subresource: /^status$/, verb: /^(PATCH|PUT)$/ }), 9);
  t.equal(sumOf(text, 'requests_total', { resource: /^a\\"}b$/ }), 1000);
  t.equal(sumOf(text, 'calls_total'), 12);
  t.equal(sumOf(text, 'absent_total'), 0);
});
