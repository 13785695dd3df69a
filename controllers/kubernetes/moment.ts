import type { Clock } from './clock.js';

/** A moment on both clocks: the monotonic one stands still while the machine sleeps. */
export interface Moment {
  readonly monotonic: number;
  readonly wall: number;
}

export const momentOf = (clock: Clock): Moment => ({ monotonic: clock.monotonic(), wall: clock.now() });

/** By the clock that says more. */
export function elapsedMs(clock: Clock, since: Moment): number {
  const now = momentOf(clock);
  return Math.max(now.monotonic - since.monotonic, now.wall - since.wall);
}
