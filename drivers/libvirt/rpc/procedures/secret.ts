import { idempotent } from '../procedure.js';
import { string, uuid } from '../types.js';
import { int, nothing, opaque, struct, uint } from '../xdr.js';

/** `usageType` and `usageId` say what it is for; the host goes by the uuid. */
const secret = struct({ uuid, usageType: int, usageId: string });
const mostBytes = 65_536;

export const secretLookupByUuid = idempotent('SECRET_LOOKUP_BY_UUID', 141, struct({ uuid }), secret);
/** Defining the same text twice is defining it once. */
export const secretDefineXml = idempotent('SECRET_DEFINE_XML', 142, struct({ xml: string, flags: uint }), secret);
export const secretSetValue = idempotent('SECRET_SET_VALUE', 144, struct({ secret, value: opaque(mostBytes), flags: uint }), nothing);
export const secretUndefine = idempotent('SECRET_UNDEFINE', 146, struct({ secret }), nothing);
