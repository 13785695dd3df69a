import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Contender, type Round, type Summary, summarize } from './measure.js';
import { native } from './native.js';
import { Ours } from './ours.js';
import { run } from './run.js';
import { script } from './watch.js';

/**
 * How long from `kubectl apply` of many machines until each guest was heard on its serial line, against libvirt's own client with the same
 * definitions. Prints a table for people and one JSON line for programs. With `--definitions FOLDER` only the native half runs, on the
 * XML files there; else the API server is that of $KUBECONFIG, such as the demo's. With `--metrics URL`, where the operator tells its own, its
 * calls of the driver are counted; writes are where the API server tells them, as kube-apiserver does.
 */
const { values: options } = parseArgs({
  options: {
    connect: { type: 'string', default: 'qemu:///system' },
    machines: { type: 'string', default: '50' },
    rounds: { type: 'string', default: '5' },
    metrics: { type: 'string' },
    definitions: { type: 'string' },
  },
});

const scratch = await mkdtemp(join(tmpdir(), 'virtwright-bench-'));
try {
  const definitions = options.definitions ?? join(scratch, 'definitions');
  const ours = options.definitions === undefined ? await prepareOurs(definitions) : undefined;
  try {
    const baseline = [1, 8].map((threads) => native(options.connect, definitions, threads));
    report(await race([...(ours === undefined ? [] : [ours]), ...baseline], Number(options.rounds)));
  } finally {
    await ours?.remove();
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}

async function prepareOurs(definitions: string): Promise<Ours> {
  const guest = (await run(script('../../test/peers/guest/build.sh'), [])).trim();
  const commandLine = (await readFile(join(guest, 'cmdline'), 'utf8')).trim();
  const { connect, metrics } = options;
  const ours = new Ours({ connect, count: Number(options.machines), guest, commandLine, metrics, definitions });
  await ours.prepare();
  return ours;
}

/** In turn, so that what else the machine does meets all of them alike. */
async function race(contenders: readonly Contender[], rounds: number): Promise<readonly Summary[]> {
  const results = new Map<string, Round[]>(contenders.map(({ name }) => [name, []]));
  for (let number = 1; number <= rounds; number++) {
    for (const contender of contenders) {
      const round = await contender.round();
      results.get(contender.name)?.push(round);
      console.error(`round ${number}, ${contender.name}: ${round.wall.toFixed(1)} s`);
    }
  }
  return [...results].map(([name, itsRounds]) => summarize(name, itsRounds));
}

function report(summaries: readonly Summary[]): void {
  console.table(
    summaries.map(({ contender, wall, started, ready, countsPerMachine }) => ({
      contender,
      'all ready (s)': round2(wall),
      'started, median (s)': round2(started),
      'ready, median (s)': round2(ready),
      ...Object.fromEntries(Object.entries(countsPerMachine).map(([name, count]) => [`${name} per machine`, round2(count)])),
    })),
  );
  console.log(JSON.stringify({ summaries }));
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
