import type { Size } from './life.js';

/** What KubeVirt's own density test has: so many machines, one each 100 ms. */
const usual: Size = { machines: 2_000, hosts: 100, agents: 4, perSecond: 10, idleSeconds: 60, driftEveryNth: 10 };

/** By name, as $SCALE says. */
export const sizes = {
  smoke: { machines: 40, hosts: 4, agents: 2, perSecond: 20, idleSeconds: 12, driftEveryNth: 10 },
  small: { ...usual, machines: 500, hosts: 25, agents: 2 },
  usual,
  full: { ...usual, machines: 10_000, hosts: 500, agents: 10 },
} as const satisfies Readonly<Record<string, Size>>;
