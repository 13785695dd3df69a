import { DriverError } from '#drivers/error.js';
import type { Protection } from '../connection.js';
import { decodeHeader, headerFlags, unaskedId } from '../header.js';
import { statuses } from '../status.js';
import { isSealed, type Sealer } from './sealing.js';
import type { Signer } from './signing.js';

/** Everything is sealed, and nothing taken that is not. */
export function sealedBy(sealer: Sealer): Protection {
  return {
    protect: (packet) => sealer.seal(packet),
    open: (packet) => {
      if (!isSealed(packet))
        throw new DriverError('Denied', 'the file server answers a sealed message with one that anybody could have written');
      return sealer.open(packet);
    },
  };
}

/** Everything is signed. That something takes its time need not be: nobody gains by saying so. */
export function signedBy(signer: Signer): Protection {
  return {
    protect: (packet) => signer.sign(packet),
    open: (packet) => {
      const { status, flags, messageId } = decodeHeader(packet);
      const takesTime = status === statuses.pending && (flags & headerFlags.async) !== 0;
      if (!takesTime && messageId !== unaskedId) signer.check(packet);
      return packet;
    },
  };
}
