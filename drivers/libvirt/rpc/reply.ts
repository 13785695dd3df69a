import { DriverError } from '#drivers/error.js';
import { XdrError } from './bytes.js';
import { LibvirtError } from './driver-error.js';
import { remoteError } from './types.js';
import { type Codec, decodeFromBytes, encodeToBytes } from './xdr.js';

export function decodeRemoteError(body: Uint8Array): LibvirtError {
  return new LibvirtError(decodeFromBytes(remoteError, body));
}

/** Arguments that cannot be written down were never sent, and never can be. */
export function encodeArguments<T>(what: string, codec: Codec<T>, args: T): Buffer {
  try {
    return encodeToBytes(codec, args);
  } catch (error) {
    throw error instanceof XdrError ? new DriverError('Invalid', `${what}: ${error.message}`, { cause: error }) : error;
  }
}

/** The frames are still told apart, so an answer that makes no sense is the trouble of one call only. */
export function decodeResult<T>(what: string, codec: Codec<T>, body: Uint8Array): T {
  try {
    return decodeFromBytes(codec, body);
  } catch (error) {
    throw new DriverError('Internal', `${what}: the answer of the daemon makes no sense: ${String(error)}`, { cause: error });
  }
}
