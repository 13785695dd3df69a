import t from 'tap';
import { add, countsOf, servedWrites, since, sum } from './counters.js';
import { short, spreadOf } from './figures.js';

t.test('a spread takes the nearest rank', async (t) => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  t.strictSame(spreadOf(values), { mean: 50.5, p50: 50, p95: 95, p99: 99, most: 100 });
  t.strictSame(spreadOf([7]), { mean: 7, p50: 7, p95: 7, p99: 7, most: 7 });
  t.ok(Number.isNaN(spreadOf([]).p50));
  t.equal(short(1234.567), 1230);
});

t.test('series are summed under the name that is chosen for them', async (t) => {
  const text = [
    '# TYPE requests_total counter',
    'requests_total{verb="patch",resource="a",code="200"} 7',
    'requests_total{verb="patch",resource="a",code="201"} 2',
    'requests_total{verb="get",resource="a",code="200"} 100',
    'requests_total_more{verb="patch",resource="a"} 5',
  ].join('\n');
  t.strictSame(
    countsOf(text, 'requests_total', ({ verb, resource }) => (verb === 'patch' ? resource : undefined)),
    { a: 9 },
  );
});

t.test('of what the server tells, writes that it took are counted, by resource and subresource', async (t) => {
  const row = (verb: string, subresource: string, code: number, count: number) =>
    `apiserver_request_total{code="${code}",resource="virtualmachines",subresource="${subresource}",verb="${verb}"} ${count}`;
  const text = [row('APPLY', 'status', 200, 3), row('PATCH', '', 200, 2), row('APPLY', 'status', 409, 9), row('GET', '', 200, 9)].join(
    '\n',
  );
  t.strictSame(servedWrites(text), { 'virtualmachines/status': 3, virtualmachines: 2 });
});

t.test('what has not moved is left out of a difference', async (t) => {
  t.strictSame(since({ a: 1, b: 2 }, { a: 1, b: 5, c: 1 }), { b: 3, c: 1 });
  t.strictSame(add([{ a: 1 }, { a: 2, b: 1 }]), { a: 3, b: 1 });
  t.equal(
    sum({ leases: 4, pods: 2 }, (name) => name !== 'leases'),
    2,
  );
});
