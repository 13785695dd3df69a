import { setTimeout as delay } from 'node:timers/promises';

/** Waits for what must come, however slow the machine; a minute and a half without it is a failure. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 90_000;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`still not so: ${isSo}`);
    await delay(20);
  }
}
