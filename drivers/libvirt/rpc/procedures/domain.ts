import { idempotent, once, streaming } from '../procedure.js';
import { domainHandle, optionalString, string, typedParam, uuid } from '../types.js';
import { array, bool, hyper, int, nothing, size, struct, uhyper, uint } from '../xdr.js';

const domain = { domain: domainHandle };
const domainOnly = struct(domain);
const domainAndFlags = struct({ ...domain, flags: uint });

export const domainLookupByUuid = idempotent('DOMAIN_LOOKUP_BY_UUID', 24, struct({ uuid }), domainHandle);
export const domainLookupByName = idempotent('DOMAIN_LOOKUP_BY_NAME', 23, struct({ name: string }), domainHandle);
export const domainGetXmlDesc = idempotent('DOMAIN_GET_XML_DESC', 14, domainAndFlags, string);
export const domainGetState = idempotent('DOMAIN_GET_STATE', 212, domainAndFlags, struct({ state: int, reason: int }));
export const domainGetAutostart = idempotent('DOMAIN_GET_AUTOSTART', 15, domainOnly, bool);

/** Defining the same text twice is defining it once. */
export const domainDefineXmlFlags = idempotent('DOMAIN_DEFINE_XML_FLAGS', 350, struct({ xml: string, flags: uint }), domainHandle);
/** Starts a machine that is forgotten when it stops. With the autodestroy flag it dies with the socket it was asked on. */
export const domainCreateXml = once('DOMAIN_CREATE_XML', 10, struct({ xml: string, flags: uint }), domainHandle);
export const domainCreateWithFlags = once('DOMAIN_CREATE_WITH_FLAGS', 196, domainAndFlags, domainHandle);
export const domainShutdownFlags = once('DOMAIN_SHUTDOWN_FLAGS', 258, domainAndFlags, nothing);
export const domainDestroyFlags = once('DOMAIN_DESTROY_FLAGS', 234, domainAndFlags, nothing);
export const domainReset = once('DOMAIN_RESET', 245, domainAndFlags, nothing);
export const domainSuspend = idempotent('DOMAIN_SUSPEND', 34, domainOnly, nothing);
export const domainResume = once('DOMAIN_RESUME', 28, domainOnly, nothing);
/** Where what runs is written, the daemon decides. */
export const domainManagedSave = once('DOMAIN_MANAGED_SAVE', 182, domainAndFlags, nothing);
export const domainHasManagedSaveImage = idempotent('DOMAIN_HAS_MANAGED_SAVE_IMAGE', 183, domainAndFlags, int);
export const domainManagedSaveRemove = idempotent('DOMAIN_MANAGED_SAVE_REMOVE', 184, domainAndFlags, nothing);
export const domainUndefineFlags = once('DOMAIN_UNDEFINE_FLAGS', 231, domainAndFlags, nothing);

const job = struct({
  ...{ type: int, msElapsed: uhyper, msRemaining: uhyper },
  ...{ dataTotal: uhyper, dataProcessed: uhyper, dataRemaining: uhyper },
  ...{ memoryTotal: uhyper, memoryProcessed: uhyper, memoryRemaining: uhyper },
  ...{ fileTotal: uhyper, fileProcessed: uhyper, fileRemaining: uhyper },
});
/** `type` 0: the daemon does nothing with the machine just now. */
export const domainGetJobInfo = idempotent('DOMAIN_GET_JOB_INFO', 163, domainOnly, job);

/** `type` 2: the element of `uri`, shown with prefix `key`; no `metadata` removes it. */
export const domainSetMetadata = idempotent(
  'DOMAIN_SET_METADATA',
  264,
  struct({ ...domain, type: int, metadata: optionalString, key: optionalString, uri: optionalString, flags: uint }),
  nothing,
);
export const domainGetMetadata = idempotent(
  'DOMAIN_GET_METADATA',
  265,
  struct({ ...domain, type: int, uri: optionalString, flags: uint }),
  string,
);

const deviceAndFlags = struct({ ...domain, xml: string, flags: uint });
/** `flags` are `affectFlags`, and for an update `updateDeviceFlags`. */
export const domainAttachDeviceFlags = once('DOMAIN_ATTACH_DEVICE_FLAGS', 160, deviceAndFlags, nothing);
export const domainUpdateDeviceFlags = once('DOMAIN_UPDATE_DEVICE_FLAGS', 174, deviceAndFlags, nothing);
/** The device is found by what its driver tells one from another by, as an interface by its MAC address. */
export const domainDetachDeviceFlags = once('DOMAIN_DETACH_DEVICE_FLAGS', 161, deviceAndFlags, nothing);
/** Asks for it, and does not wait for the guest. */
export const domainDetachDeviceAlias = once('DOMAIN_DETACH_DEVICE_ALIAS', 392, struct({ ...domain, alias: string, flags: uint }), nothing);

/** `disk` is the target that the host gave it, e.g. `vda`; every limit not given stays. */
export const domainSetBlockIoTune = idempotent(
  'DOMAIN_SET_BLOCK_IO_TUNE',
  252,
  struct({ ...domain, disk: string, params: array(typedParam, 32), flags: uint }),
  nothing,
);

/** Every parameter not given stays. */
export const domainSetSchedulerParametersFlags = idempotent(
  'DOMAIN_SET_SCHEDULER_PARAMETERS_FLAGS',
  219,
  struct({ ...domain, params: array(typedParam, 16), flags: uint }),
  nothing,
);

/** Every parameter not given stays. */
export const domainSetBlkioParameters = idempotent(
  'DOMAIN_SET_BLKIO_PARAMETERS',
  205,
  struct({ ...domain, params: array(typedParam, 16), flags: uint }),
  nothing,
);

/** `memory` in KiB. */
export const domainSetMemoryFlags = idempotent('DOMAIN_SET_MEMORY_FLAGS', 204, struct({ ...domain, memory: size, flags: uint }), nothing);
export const domainSetVcpusFlags = idempotent('DOMAIN_SET_VCPUS_FLAGS', 199, struct({ ...domain, count: uint, flags: uint }), nothing);
/** `disk` is its path or target; `size` in bytes with the flag, else in KiB. */
export const domainBlockResize = idempotent('DOMAIN_BLOCK_RESIZE', 251, struct({ ...domain, disk: string, size, flags: uint }), nothing);
export const domainSetAutostart = idempotent('DOMAIN_SET_AUTOSTART', 29, struct({ ...domain, autostart: bool }), nothing);

/** No `device`: the machine's first console. */
const openConsoleArgs = struct({ ...domain, device: optionalString, flags: uint });
export const domainOpenConsole = streaming('both', 'DOMAIN_OPEN_CONSOLE', 201, openConsoleArgs);
/** The same without a stream: for a machine that is not there, to see whether the host knows the procedure at all. */
export const domainTryConsole = idempotent('DOMAIN_OPEN_CONSOLE', 201, openConsoleArgs, nothing);

/** What screen number `screen` shows, in a format of the host's choice. */
export const domainScreenshot = streaming('download', 'DOMAIN_SCREENSHOT', 211, struct({ ...domain, screen: uint, flags: uint }));

/** Memory in KiB, time in nanoseconds. */
export const domainGetInfo = idempotent(
  'DOMAIN_GET_INFO',
  16,
  domainOnly,
  struct({ state: uint, maxMemory: uhyper, memory: uhyper, cpuCount: uint, cpuTime: uhyper }),
);
const memoryStat = struct({ tag: int, value: uhyper });
export const domainMemoryStats = idempotent(
  'DOMAIN_MEMORY_STATS',
  159,
  struct({ ...domain, most: uint, flags: uint }),
  array(memoryStat, 1024),
);
const domainAndPath = struct({ ...domain, path: string });
/** `path` is the target that the host gave the disk. */
export const domainBlockStats = idempotent(
  'DOMAIN_BLOCK_STATS',
  64,
  domainAndPath,
  struct({ readRequests: hyper, readBytes: hyper, writeRequests: hyper, writtenBytes: hyper, errors: hyper }),
);
const traffic = struct({ bytes: hyper, packets: hyper, errors: hyper, dropped: hyper });
/** `path` is the interface's name on the host, as `vnet0`. */
export const domainInterfaceStats = idempotent('DOMAIN_INTERFACE_STATS', 65, domainAndPath, struct({ received: traffic, sent: traffic }));
