import type { VirtualMachineSpec } from '#crds/types.js';
import type { Capability, SeedKind } from '#drivers/driver.js';

export const seedFields = { CloudInit: 'cloudInit', Ignition: 'ignition', Sysprep: 'sysprep' } as const satisfies Record<SeedKind, string>;

/** What is asked for; the API takes one of them. */
export const seedKind = (spec: Pick<VirtualMachineSpec, (typeof seedFields)[SeedKind]>): SeedKind | undefined =>
  (Object.keys(seedFields) as SeedKind[]).find((kind) => spec[seedFields[kind]] !== undefined);

/** Whether a host takes what is asked for with the machine itself, and needs no volume for it. */
export const carries = (capabilities: readonly Capability[], kind: SeedKind): boolean =>
  capabilities.some(({ field, values }) => field === 'seeds.carried' && values?.includes(kind) === true);
