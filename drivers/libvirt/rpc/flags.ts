/** libvirt's flags and numbers (its public headers), by the verbs they belong to. Flags are or-ed. */

export const domainXmlFlags = { secure: 1, inactive: 2 } as const;
export const listDomainsFlags = {
  active: 1,
  inactive: 2,
  persistent: 4,
  transient: 8,
  running: 16,
  paused: 32,
  shutOff: 64,
  managedSave: 256,
} as const;
export const affectFlags = { current: 0, live: 1, config: 2 } as const;
/** For `domainSetVcpusFlags`, `domainSetMemoryFlags`: the maximum rather than the current number. */
export const maximumFlag = 4;
export const createFlags = { paused: 1, autodestroy: 2, bypassCache: 4, forceBoot: 8, validate: 16, resetNvram: 32 } as const;
export const shutdownFlags = { default: 0, acpiPowerButton: 1, guestAgent: 2, initctl: 4, signal: 8, paravirt: 16 } as const;
export const destroyFlags = { default: 0, graceful: 1, removeLogs: 2 } as const;
export const undefineFlags = {
  managedSave: 1,
  snapshotsMetadata: 2,
  nvram: 4,
  keepNvram: 8,
  checkpointsMetadata: 16,
  tpm: 32,
  keepTpm: 64,
} as const;
export const blockResizeFlags = { bytes: 1 } as const;
export const defineFlags = { validate: 1 } as const;
export const metadataTypes = { description: 0, title: 1, element: 2 } as const;
export const consoleFlags = { force: 1, safe: 2 } as const;

export const statsGroups = {
  state: 1,
  cpuTotal: 2,
  balloon: 4,
  vcpu: 8,
  interface: 16,
  block: 32,
  perf: 64,
  iothread: 128,
  memory: 256,
} as const;
/** For `connectGetAllDomainStats`; the bits of `listDomainsFlags` are accepted, too. */
export const statsFlags = { noWait: 2 ** 29, backing: 2 ** 30, enforce: 2 ** 31 } as const;

export const domainStates = {
  none: 0,
  running: 1,
  blocked: 2,
  paused: 3,
  shutdown: 4,
  shutOff: 5,
  crashed: 6,
  pmSuspended: 7,
} as const;
export const runningReasons = {
  unknown: 0,
  booted: 1,
  migrated: 2,
  restored: 3,
  fromSnapshot: 4,
  unpaused: 5,
  migrationCancelled: 6,
  saveCancelled: 7,
  wakeup: 8,
  crashed: 9,
  postcopy: 10,
  postcopyFailed: 11,
} as const;
export const pausedReasons = {
  unknown: 0,
  user: 1,
  migration: 2,
  save: 3,
  dump: 4,
  ioError: 5,
  watchdog: 6,
  fromSnapshot: 7,
  shuttingDown: 8,
  snapshot: 9,
  crashed: 10,
  startingUp: 11,
  postcopy: 12,
  postcopyFailed: 13,
} as const;
export const shutOffReasons = {
  unknown: 0,
  shutdown: 1,
  destroyed: 2,
  crashed: 3,
  migrated: 4,
  saved: 5,
  failed: 6,
  fromSnapshot: 7,
  daemon: 8,
} as const;
export const domainChanges = {
  defined: 0,
  undefined: 1,
  started: 2,
  suspended: 3,
  resumed: 4,
  stopped: 5,
  shutdown: 6,
  pmSuspended: 7,
  crashed: 8,
} as const;

export const poolStates = { inactive: 0, building: 1, running: 2, degraded: 3, inaccessible: 4 } as const;
export const poolBuildFlags = { new: 0, repair: 1, resize: 2, noOverwrite: 4, overwrite: 8 } as const;
export const poolCreateFlags = { normal: 0, withBuild: 1, withBuildOverwrite: 2, withBuildNoOverwrite: 4 } as const;
export const poolXmlFlags = { inactive: 1 } as const;
export const poolChanges = { defined: 0, undefined: 1, started: 2, stopped: 3, created: 4, deleted: 5 } as const;
export const listPoolsFlags = { inactive: 1, active: 2, persistent: 4, transient: 8 } as const;
export const listNetworksFlags = { inactive: 1, active: 2, persistent: 4, transient: 8 } as const;
export const networkXmlFlags = { inactive: 1 } as const;
/** For `networkUpdate`: what is done, to which part, and where. */
export const networkCommands = { modify: 1, delete: 2, addLast: 3, addFirst: 4 } as const;
export const networkSections = { ipDhcpHost: 4, ipDhcpRange: 5, dnsHost: 10 } as const;
export const networkUpdateFlags = { current: 0, live: 1, config: 2 } as const;
export const networkChanges = { defined: 0, undefined: 1, started: 2, stopped: 3 } as const;
export const volumeTypes = { file: 0, block: 1, directory: 2, network: 3, netDirectory: 4, ploop: 5 } as const;
export const volumeCreateFlags = { preallocateMetadata: 1, reflink: 2, validate: 4 } as const;
export const volumeDeleteFlags = { normal: 0, zeroed: 1, withSnapshots: 2 } as const;
export const volumeResizeFlags = { allocate: 1, delta: 2, shrink: 4 } as const;
