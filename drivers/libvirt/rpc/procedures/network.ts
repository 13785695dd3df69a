import { idempotent } from '../procedure.js';
import { networkHandle, string, uuid } from '../types.js';
import { struct, uint } from '../xdr.js';

export const networkLookupByUuid = idempotent('NETWORK_LOOKUP_BY_UUID', 47, struct({ uuid }), networkHandle);
export const networkLookupByName = idempotent('NETWORK_LOOKUP_BY_NAME', 46, struct({ name: string }), networkHandle);
/** XML. */
export const networkGetXmlDesc = idempotent('NETWORK_GET_XML_DESC', 43, struct({ network: networkHandle, flags: uint }), string);
