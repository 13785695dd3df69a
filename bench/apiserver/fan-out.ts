import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { objectAt, textAt } from '#standalone/json.js';
import type { ApiServer } from '#test/cluster/api-server.js';
import type { Caller } from '#test/cluster/caller.js';
import { median } from '../apply-to-ready/measure.js';
import { changeAtRate, collection } from './load.js';
import type { Heard } from './watchers.js';

export interface FanOut {
  /** Writes of a second, and events that reached watchers in one. */
  readonly writes: number;
  readonly delivered: number;
  /** Milliseconds from writing to hearing, the median. */
  readonly delay: number;
}

const program = fileURLToPath(new URL('./watchers.js', import.meta.url));
/** How long stragglers are waited for. */
const patienceMs = 30_000;

export interface FanOutLoad {
  readonly watchers: number;
  /** Changes a second, for so many seconds. */
  readonly rate: number;
  readonly seconds: number;
  readonly objects: number;
}

/** So many changes a second, told to so many watchers in a process of their own. */
export async function fanOut(
  caller: Caller,
  { url, folder }: ApiServer,
  { watchers, rate, seconds, objects }: FanOutLoad,
): Promise<FanOut> {
  const { body } = await caller.call('GET', `${collection}?limit=1`);
  const version = textAt(objectAt(body, 'metadata'), 'resourceVersion');
  const child = fork(program, [url, folder, `${watchers}`, version]);
  try {
    await answer(child);
    const begin = performance.now();
    const sent = await changeAtRate(caller, rate, seconds, objects);
    const wrote = performance.now() - begin;
    const heard = await allHeard(child, sent * watchers);
    const took = performance.now() - begin;
    return { writes: (sent * 1000) / wrote, delivered: (heard.events * 1000) / took, delay: median(heard.delays) };
  } finally {
    child.kill();
  }
}

async function answer(child: ChildProcess): Promise<unknown> {
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the watchers ended')));
  const [message] = await Promise.race([once(child, 'message'), ended]);
  return message;
}

async function allHeard(child: ChildProcess, wanted: number): Promise<Heard> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    child.send('report');
    const heard = (await answer(child)) as Heard;
    if (heard.events >= wanted) return heard;
    if (performance.now() > deadline) throw new Error(`of ${wanted} events ${heard.events} were heard`);
    await sleep(50);
  }
}
