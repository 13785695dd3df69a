import { idempotent, once, streaming } from '../procedure.js';
import { elementsWanted, listOf, poolHandle, string, uuid, volumeHandle } from '../types.js';
import { bool, int, nothing, size, struct, uint } from '../xdr.js';

const pool = { pool: poolHandle };
const poolOnly = struct(pool);
const poolAndFlags = struct({ ...pool, flags: uint });
const volume = { volume: volumeHandle };
const volumeOnly = struct(volume);
const volumeAndFlags = struct({ ...volume, flags: uint });
/** Bytes; `length` 0 is all there is. */
const volumeRange = struct({ ...volume, offset: size, length: size, flags: uint });

export const storagePoolLookupByUuid = idempotent('STORAGE_POOL_LOOKUP_BY_UUID', 85, struct({ uuid }), poolHandle);
export const storagePoolLookupByName = idempotent('STORAGE_POOL_LOOKUP_BY_NAME', 84, struct({ name: string }), poolHandle);
/** Defining the same text twice is defining it once. */
export const storagePoolDefineXml = idempotent('STORAGE_POOL_DEFINE_XML', 77, struct({ xml: string, flags: uint }), poolHandle);
export const storagePoolBuild = once('STORAGE_POOL_BUILD', 79, poolAndFlags, nothing);
export const storagePoolCreate = once('STORAGE_POOL_CREATE', 78, poolAndFlags, nothing);
export const storagePoolDestroy = once('STORAGE_POOL_DESTROY', 80, poolOnly, nothing);
export const storagePoolUndefine = once('STORAGE_POOL_UNDEFINE', 82, poolOnly, nothing);
/** Sizes in bytes. */
export const storagePoolGetInfo = idempotent(
  'STORAGE_POOL_GET_INFO',
  87,
  poolOnly,
  struct({ state: int, capacity: size, allocation: size, available: size }),
);
export const storagePoolGetXmlDesc = idempotent('STORAGE_POOL_GET_XML_DESC', 88, poolAndFlags, string);
export const storagePoolRefresh = idempotent('STORAGE_POOL_REFRESH', 83, poolAndFlags, nothing);
export const storagePoolGetAutostart = idempotent('STORAGE_POOL_GET_AUTOSTART', 89, poolOnly, bool);
export const storagePoolSetAutostart = idempotent('STORAGE_POOL_SET_AUTOSTART', 90, struct({ ...pool, autostart: bool }), nothing);
export const storagePoolListAllVolumes = idempotent(
  'STORAGE_POOL_LIST_ALL_VOLUMES',
  282,
  struct({ ...pool, elementsWanted, flags: uint }),
  listOf(volumeHandle),
);

export const storageVolLookupByName = idempotent('STORAGE_VOL_LOOKUP_BY_NAME', 95, struct({ ...pool, name: string }), volumeHandle);
export const storageVolLookupByPath = idempotent('STORAGE_VOL_LOOKUP_BY_PATH', 97, struct({ path: string }), volumeHandle);
export const storageVolCreateXml = once('STORAGE_VOL_CREATE_XML', 93, struct({ ...pool, xml: string, flags: uint }), volumeHandle);
/** Answers when all is copied. `volume` is what is copied from. */
export const storageVolCreateXmlFrom = once(
  'STORAGE_VOL_CREATE_XML_FROM',
  125,
  struct({ ...pool, xml: string, ...volume, flags: uint }),
  volumeHandle,
);
export const storageVolDelete = once('STORAGE_VOL_DELETE', 94, volumeAndFlags, nothing);
/** Sizes in bytes. */
export const storageVolGetInfo = idempotent(
  'STORAGE_VOL_GET_INFO',
  98,
  volumeOnly,
  struct({ type: int, capacity: size, allocation: size }),
);
export const storageVolGetXmlDesc = idempotent('STORAGE_VOL_GET_XML_DESC', 99, volumeAndFlags, string);
export const storageVolGetPath = idempotent('STORAGE_VOL_GET_PATH', 100, volumeOnly, string);
/** `capacity` in bytes; idempotent unless `flags` says that it is a difference. */
export const storageVolResize = once('STORAGE_VOL_RESIZE', 260, struct({ ...volume, capacity: size, flags: uint }), nothing);
export const storageVolWipe = once('STORAGE_VOL_WIPE', 165, volumeAndFlags, nothing);
export const storageVolUpload = streaming('upload', 'STORAGE_VOL_UPLOAD', 208, volumeRange);
export const storageVolDownload = streaming('download', 'STORAGE_VOL_DOWNLOAD', 209, volumeRange);
