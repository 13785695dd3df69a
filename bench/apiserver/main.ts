import { parseArgs } from 'node:util';
import { median } from '../apply-to-ready/measure.js';
import { type Figures, type Load, moreIsBetter, round } from './round.js';

/**
 * The same load on our own API server and on kube-apiserver with etcd, in turn, both answering a write when it is on disk. Prints a table of medians
 * for people, and one JSON line for programs.
 */
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    objects: { type: 'string', default: '10000' },
    updates: { type: 'string', default: '2000' },
    watchers: { type: 'string', default: '100' },
    rate: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '5' },
    only: { type: 'string' },
  },
});
const load: Load = {
  objects: Number(options.objects),
  updates: Number(options.updates),
  watchers: Number(options.watchers),
  rate: Number(options.rate),
  seconds: Number(options.seconds),
};
const contenders = (['standalone', 'kube-apiserver'] as const).filter((kind) => options.only === undefined || options.only === kind);
const results = new Map<string, Figures[]>(contenders.map((kind) => [kind, []]));
// In turn, so that what else the machine does meets both alike.
for (let number = 1; number <= Number(options.rounds); number += 1)
  for (const kind of contenders) {
    const figures = await round(kind, load);
    results.get(kind)?.push(figures);
    console.error(`round ${number}, ${kind}: ${JSON.stringify(figures)}`);
  }

const medians = new Map([...results].map(([kind, rounds]) => [kind, mediansOf(rounds)]));
const [ours, theirs] = contenders.map((kind) => medians.get(kind) ?? {});
console.table(Object.fromEntries(Object.entries(ours ?? {}).map(([what, value]) => [what, { ...row(what, value, theirs?.[what]) }])));
console.log(JSON.stringify({ load, rounds: Number(options.rounds), medians: Object.fromEntries(medians) }));

function mediansOf(rounds: readonly Figures[]): Figures {
  const names = Object.keys(rounds[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, median(rounds.map((figures) => figures[name] ?? Number.NaN))]));
}

/** How many times better ours is. */
function row(what: string, value: number, other: number | undefined) {
  const [first] = contenders;
  if (other === undefined) return { [`${first}`]: short(value) };
  const ratio = moreIsBetter.has(what) ? value / other : other / value;
  return { standalone: short(value), 'kube-apiserver': short(other), better: `${short(ratio)}x` };
}

function short(value: number): number {
  return Number(value.toPrecision(3));
}
