import type { HypervisorSpec } from '#crds/types.js';

/** What the schema fills in. */
export const hypervisorDefaults = {
  maintenance: 'None',
  overcommit: { cpuPercent: 400, memoryPercent: 100 },
} as const satisfies Partial<HypervisorSpec>;
