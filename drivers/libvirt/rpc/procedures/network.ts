import { idempotent } from '../procedure.js';
import { networkHandle, uuid } from '../types.js';
import { struct } from '../xdr.js';

export const networkLookupByUuid = idempotent('NETWORK_LOOKUP_BY_UUID', 47, struct({ uuid }), networkHandle);
