import type { Capability, Driver, XenMode } from '#drivers/driver.js';
import { beside, refuses } from '#drivers/within.js';

/** What a host with Xen accepts of machines of this mode. */
export const besideMode = (capabilities: readonly Capability[], mode: XenMode): readonly Capability[] =>
  capabilities.map((one) => beside(one, (field, value) => field === 'xen.mode' && value === mode)).filter((one) => !refuses(one));

/** A host on which machines of this mode alone are made: it tells what holds for these. */
export const ofMode = (driver: Driver, mode: XenMode): Driver => ({
  ...driver,
  host: {
    describe: async (signal) => {
      const { capabilities, ...told } = await driver.host.describe(signal);
      return { ...told, capabilities: besideMode(capabilities, mode) };
    },
  },
});
