import { once } from '../procedure.js';
import { string } from '../types.js';
import { array, bool, int, mapped, nothing, struct } from '../xdr.js';

const mostBytes = 65_536;

/** Bytes, each in a word of its own; and apart from none at all there is nothing. */
const data = mapped(
  struct({ nil: bool, bytes: array(int, mostBytes) }),
  ({ nil, bytes }) => (nil ? undefined : Buffer.from(bytes)),
  (bytes) => ({ nil: bytes === undefined, bytes: [...(bytes ?? [])] }),
);
const answer = struct({ complete: bool, data });

/** The names of the mechanisms, with spaces between them. */
export const authSaslInit = once('AUTH_SASL_INIT', 67, nothing, string);
export const authSaslStart = once('AUTH_SASL_START', 68, struct({ mechanism: string, data }), answer);
export const authSaslStep = once('AUTH_SASL_STEP', 69, struct({ data }), answer);
