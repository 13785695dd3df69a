import { DecodeError, decode } from '#crds/decode.js';
import type { Capability } from '#drivers/driver.js';
import { describeUnfit } from '../fit.js';
import { misfitsOf } from '../placement/filters/fit.js';

/**
 * Why a machine with this spec would never be adopted: the API does not take it, as it has more of something than is foreseen, or calls it so
 * that no name is made of it; or its host has it, and accepts no such thing of us.
 */
export function whyUnsaid(spec: object, capabilities: readonly Capability[] | undefined): string | undefined {
  try {
    const machine = decode(
      'VirtualMachine',
      structuredClone({ apiVersion: 'virtwright.io/v1alpha1', kind: 'VirtualMachine', metadata, spec }),
    );
    if (capabilities === undefined) return undefined;
    const misfits = misfitsOf({ machine, volumes: [] }, 'x', capabilities);
    return misfits.length === 0 ? undefined : misfits.map((misfit) => describeUnfit(misfit, 'this host')).join('; ');
  } catch (reason) {
    if (reason instanceof DecodeError) return reason.message.replace(/^VirtualMachine \S+: /, '');
    throw reason;
  }
}

const metadata = { name: 'x', namespace: 'x', uid: 'x', resourceVersion: '1', generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' };
