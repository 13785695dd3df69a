import type { MachineDefinition } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { faultBehind } from './soap/driver-error.js';

const notThatGuest = ['GuestIdNotSupported', 'UnsupportedGuest'];

/** The error, and where the host means the guest id with it, so said. Which ones it knows is a long list, another one in each version. */
export function namingGuest(reason: unknown, { vsphere }: Pick<MachineDefinition, 'vsphere'>): unknown {
  const fault = faultBehind(reason);
  const isMeant =
    fault !== undefined && (notThatGuest.includes(fault.type) || fault.field('invalidProperty')?.endsWith('guestId') === true);
  if (!isMeant || vsphere === undefined) return reason;
  return new DriverError(
    'Invalid',
    `vsphere.guestId: ${vsphere.guestId} was given, which the host does not know: ${fault.message}; accepted: what its version of vSphere has in VirtualMachineGuestOsIdentifier, such as otherGuest64`,
    { cause: fault },
  );
}
