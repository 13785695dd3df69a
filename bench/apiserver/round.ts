import { readFile } from 'node:fs/promises';
import { type ApiServer, startApiServer } from '#test/cluster/api-server.js';
import { Caller } from '#test/cluster/caller.js';
import { type FanOutLoad, fanOut } from './fan-out.js';
import { createAll, install, listAll, updateAll } from './load.js';

export interface Load extends FanOutLoad {
  readonly updates: number;
}

/** What one server took in one round, by what was measured. */
export type Figures = Readonly<Record<string, number>>;

/** What is better when it is more; of all else, less is. */
export const moreIsBetter: ReadonlySet<string> = new Set(['creates /s', 'updates /s', 'fan-out: writes /s', 'fan-out: events /s']);

/** A server with nothing in it goes through the whole load, and is gone afterwards. */
export async function round(kind: 'standalone' | 'kube-apiserver', load: Load): Promise<Figures> {
  await using server = await startApiServer({ kind, durable: true });
  const empty = await memory(server);
  const figures = await measure(server, load);
  const again = performance.now();
  await server.restart();
  return { ...figures, 'start with all (ms)': performance.now() - again, 'memory when empty (MiB)': empty };
}

async function measure(server: ApiServer, load: Load): Promise<Figures> {
  using caller = await Caller.for(server.url, server.folder);
  await install(caller);
  const created = await createAll(caller, load.objects);
  const updated = await updateAll(caller, load.updates);
  const listed = await listAll(caller);
  const full = await memory(server);
  const fan = await fanOut(caller, server, load);
  return {
    'creates /s': created.perSecond,
    'create, median (ms)': created.ms,
    'updates /s': updated.perSecond,
    'update, median (ms)': updated.ms,
    'list of all (ms)': listed,
    'fan-out: writes /s': fan.writes,
    'fan-out: events /s': fan.delivered,
    'fan-out: delay, median (ms)': fan.delay,
    'memory with all (MiB)': full,
    'memory after the fan-out (MiB)': await memory(server),
  };
}

/** Resident, of all its processes, in MiB. */
async function memory({ pids }: ApiServer): Promise<number> {
  const sizes = await Promise.all(
    pids.map(async (pid) => Number(/VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)),
  );
  return sizes.reduce((sum, size) => sum + size, 0) / 1024;
}
