import type { GuestOffer } from '../xml/capabilities.js';

/** The guests that have the host's own CPU, and all else as a machine has it. */
export const fullyVirtual = (guests: readonly GuestOffer[], architecture: string): GuestOffer | undefined =>
  guests.find((each) => each.osType === 'hvm' && each.architecture === architecture);
