import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { type Contender, type Figures, type Load, ratios, type Summary, summarize } from './contender.js';
import { eventLatency } from './events.js';
import { Host } from './host.js';
import { ours } from './ours.js';
import { python } from './python.js';
import { virsh } from './virsh.js';

/**
 * Our client of libvirt's protocol against libvirt's own, on one real daemon with machines that are only pretended: what is measured
 * is the way there and back. Rounds are short and many, as what else a machine does comes and goes. Prints a table for people and one JSON line for programs. Needs root, libvirtd, virsh and python3-libvirt.
 */
const { values: options } = parseArgs({
  options: {
    machines: { type: 'string', default: '10000' },
    running: { type: 'string', default: '500' },
    rounds: { type: 'string', default: '40' },
    calls: { type: 'string', default: '250' },
  },
});
const calls = Number(options.calls);
const load: Load = { calls, manyCalls: calls * 4 };

await using host = await Host.start(Number(options.machines), Number(options.running));
const contenders = [
  await ours(host.uri, host.machine, load),
  python(host.uri, host.machine, load, 1, false),
  python(host.uri, host.machine, load, 8, false),
  python(host.uri, host.machine, load, 8, true),
  virsh(host.uri, host.machine, load),
];
const before = loadavg();
const results = await race(contenders, Number(options.rounds));
report(results, before);
for (const contender of contenders) await contender[Symbol.asyncDispose]();

/** In turn, so that what else the machine does meets all of them alike. */
async function race(contenders: readonly Contender[], rounds: number): Promise<ReadonlyMap<string, Summary>> {
  const results = contenders.map(({ name }) => ({ name, rounds: [] as Figures[] }));
  for (let number = 1; number <= rounds; number += 1) {
    const heard = await eventLatency(host.uri, host.machine, 20);
    const events = [heard.ours, heard.theirs];
    for (const [index, contender] of contenders.entries()) {
      results[index]?.rounds.push({ ...(await contender.round()), ...events[index] });
      console.error(`round ${number}, ${contender.name}`);
    }
  }
  return new Map(results.map(({ name, rounds }) => [name, summarize(rounds)]));
}

function report(results: ReadonlyMap<string, Summary>, [before = 0]: readonly number[]): void {
  for (const which of ['median', 'best'] as const) show(which, new Map([...results].map(([name, summary]) => [name, summary[which]])));
  console.log(JSON.stringify({ results: Object.fromEntries(results), load: [before, loadavg()[0]] }));
}

function show(which: string, results: ReadonlyMap<string, Figures>): void {
  const [mine, ...others] = [...results];
  console.log(`${which} of the rounds`);
  console.table(Object.fromEntries([...results].map(([name, figures]) => [name, rounded(figures)])));
  console.log('Virtwright to each of them');
  console.table(Object.fromEntries(others.map(([name, figures]) => [name, rounded(ratios(mine?.[1] ?? {}, figures))])));
}

function rounded(figures: Figures): Figures {
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, Number(value.toPrecision(3))]));
}

const [first, then] = await host.calls();
console.log(`states and statistics of all: ${first} calls the first time, then ${then}`);
