import type { Accepts } from '#cli/explain/command.js';
import { decode } from '#crds/decode.js';
import { describeUnfit } from './fit.js';
import { misfits } from './placement/filters/fit.js';

/** By the same reckoning as placement. What cannot be read is no machine that a host could judge. */
export const accepts: Accepts = async (machine, volumes, host) => {
  const wanted = {
    machine: decode('VirtualMachine', structuredClone(machine)),
    volumes: volumes.map((one) => decode('StorageVolume', structuredClone(one))),
  };
  return misfits(wanted, decode('Hypervisor', structuredClone(host))).map((one) => describeUnfit(one, host.metadata.name));
};
