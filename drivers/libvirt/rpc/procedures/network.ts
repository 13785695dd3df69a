import { idempotent, once } from '../procedure.js';
import { elementsWanted, listOf, networkHandle, networkPortHandle, string, uuid } from '../types.js';
import { int, nothing, struct, uint } from '../xdr.js';

const network = { network: networkHandle };
const networkOnly = struct(network);

export const networkLookupByUuid = idempotent('NETWORK_LOOKUP_BY_UUID', 47, struct({ uuid }), networkHandle);
export const networkLookupByName = idempotent('NETWORK_LOOKUP_BY_NAME', 46, struct({ name: string }), networkHandle);
/** Defining the same text twice is defining it once. */
export const networkDefineXml = idempotent('NETWORK_DEFINE_XML', 41, struct({ xml: string }), networkHandle);
/** XML. */
export const networkGetXmlDesc = idempotent('NETWORK_GET_XML_DESC', 43, struct({ ...network, flags: uint }), string);
export const networkCreate = once('NETWORK_CREATE', 39, networkOnly, nothing);
export const networkDestroy = once('NETWORK_DESTROY', 42, networkOnly, nothing);
export const networkUndefine = once('NETWORK_UNDEFINE', 49, networkOnly, nothing);
/** Daemons before 7.2.0 take `command` for `section` and the other way round. `parentIndex` -1: the first parent that suits. */
export const networkUpdate = once(
  'NETWORK_UPDATE',
  291,
  struct({ ...network, command: uint, section: uint, parentIndex: int, xml: string, flags: uint }),
  nothing,
);
/** One for each interface of a machine that is attached. */
export const networkListAllPorts = idempotent(
  'NETWORK_LIST_ALL_PORTS',
  404,
  struct({ ...network, elementsWanted, flags: uint }),
  listOf(networkPortHandle),
);
