import { idempotent, once } from '../procedure.js';
import { domainHandle, elementsWanted, limits, listOf, networkHandle, optionalString, poolHandle, statsRecord, string } from '../types.js';
import { array, bool, int, mapped, nothing, size, struct, uint, vector } from '../xdr.js';

const listArgs = struct({ elementsWanted, flags: uint });

/** 32 characters, each in a word of its own, ended by a NUL. */
const model = mapped(
  vector(int, 32),
  (codes) => Buffer.from(codes).toString('latin1').replace(/\0.*$/s, ''),
  (text) => [...Buffer.from(text.slice(0, 31).padEnd(32, '\0'), 'latin1')],
);

/** The libvirt form of a version, e.g. 9.0.0 is 9_000_000. */
const version = size;

export const authList = idempotent('AUTH_LIST', 66, nothing, array(int, limits.authTypes));
export const connectOpen = once('CONNECT_OPEN', 1, struct({ name: optionalString, flags: uint }), nothing);
export const connectClose = once('CONNECT_CLOSE', 2, nothing, nothing);
export const connectSupportsFeature = idempotent('CONNECT_SUPPORTS_FEATURE', 60, struct({ feature: int }), bool);
export const connectRegisterCloseCallback = once('CONNECT_REGISTER_CLOSE_CALLBACK', 360, nothing, nothing);

export const connectGetType = idempotent('CONNECT_GET_TYPE', 3, nothing, string);
/** The hypervisor's version. */
export const connectGetVersion = idempotent('CONNECT_GET_VERSION', 4, nothing, version);
/** libvirt's own version. */
export const connectGetLibVersion = idempotent('CONNECT_GET_LIB_VERSION', 157, nothing, version);
export const connectGetHostname = idempotent('CONNECT_GET_HOSTNAME', 59, nothing, string);
/** XML. */
export const connectGetCapabilities = idempotent('CONNECT_GET_CAPABILITIES', 7, nothing, string);
/** XML. What is left out is the host's default. */
export const connectGetDomainCapabilities = idempotent(
  'CONNECT_GET_DOMAIN_CAPABILITIES',
  342,
  struct({ emulator: optionalString, arch: optionalString, machine: optionalString, virtType: optionalString, flags: uint }),
  string,
);

/** XML: which kinds of pools the daemon has. Since libvirt 5.2. */
export const connectGetStoragePoolCapabilities = idempotent('CONNECT_GET_STORAGE_POOL_CAPABILITIES', 403, struct({ flags: uint }), string);

/** `memory` in KiB, `mhz` 0 where unknown. */
export const nodeGetInfo = idempotent(
  'NODE_GET_INFO',
  6,
  nothing,
  struct({ model, memory: size, cpus: int, mhz: int, nodes: int, sockets: int, cores: int, threads: int }),
);
/** Bytes. */
export const nodeGetFreeMemory = idempotent('NODE_GET_FREE_MEMORY', 102, nothing, size);

export const connectListAllDomains = idempotent('CONNECT_LIST_ALL_DOMAINS', 273, listArgs, listOf(domainHandle));
export const connectListAllStoragePools = idempotent('CONNECT_LIST_ALL_STORAGE_POOLS', 281, listArgs, listOf(poolHandle));

export const connectListAllNetworks = idempotent('CONNECT_LIST_ALL_NETWORKS', 283, listArgs, listOf(networkHandle));

/** With no `domains`: of all. `stats` 0: every group the host has. */
export const connectGetAllDomainStats = idempotent(
  'CONNECT_GET_ALL_DOMAIN_STATS',
  344,
  struct({ domains: array(domainHandle, limits.list), stats: uint, flags: uint }),
  array(statsRecord, limits.list),
);
