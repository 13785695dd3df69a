import { setTimeout as sleep } from 'node:timers/promises';

/** How many requests may be under way, whatever they are. */
const mostAtOnce = 64;

/** Begins `count` works, so many a second as far as it can, and resolves when all are done. */
export async function atRate(count: number, perSecond: number, work: (index: number) => Promise<unknown>): Promise<void> {
  const begin = performance.now();
  const open = new Set<Promise<unknown>>();
  for (let index = 0; index < count; index += 1) {
    const early = begin + (index * 1_000) / perSecond - performance.now();
    if (early > 1) await sleep(early);
    if (open.size >= mostAtOnce) await Promise.race(open);
    const one: Promise<unknown> = work(index).finally(() => open.delete(one));
    open.add(one);
  }
  await Promise.all(open);
}

/** Asks now and then, until it is so. */
export async function until(what: string, isSo: () => Promise<boolean>, { everyMs = 250, withinMs = 900_000 } = {}): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs / 1_000} s: ${what}`);
    await sleep(everyMs);
  }
}
