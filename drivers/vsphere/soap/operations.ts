import { operation, question } from './envelope.js';
import { readLocalizedFault } from './fault.js';
import { boolean, integer, list, nothing, optional, raw, ref, struct, text } from './types.js';

/** What we ask of a host, with fields in the order of vSphere's own schema (vim-types of the vSphere 6.0 API). */

/** What an ESX host and a vCenter both have, if the API is there at all. */
export const serviceContent = struct({
  rootFolder: ref,
  propertyCollector: ref,
  viewManager: ref,
  about: struct({
    fullName: text,
    version: text,
    build: text,
    osType: text,
    productLineId: text,
    apiType: text,
    apiVersion: text,
    licenseProductName: optional(text),
  }),
  sessionManager: ref,
  perfManager: optional(ref),
  licenseManager: optional(ref),
  searchIndex: ref,
  fileManager: ref,
  virtualDiskManager: optional(ref),
});
export type ServiceContent = ReturnType<typeof serviceContent.read>;

export const retrieveServiceContent = question('RetrieveServiceContent', {}, serviceContent);
export const currentTime = question('CurrentTime', {}, text);

/** Twice is not as once: each makes a session. */
export const login = operation('Login', { userName: text, password: text, locale: optional(text) }, struct({ key: text }));
export const logout = operation('Logout', {}, nothing);

/** For objects of one type: what to read of them. */
export const propertySpec = struct({ type: text, all: optional(boolean), pathSet: list(text) });

/** Along `path` of objects of that type; from what is found there, `selectSet` leads on. What is skipped is only passed through. */
const lastStep = struct({ type: text, path: text, skip: optional(boolean) }, 'TraversalSpec');
export const traversalSpec = struct({ type: text, path: text, skip: optional(boolean), selectSet: list(lastStep) }, 'TraversalSpec');
export const objectSpec = struct({ obj: ref, skip: optional(boolean), selectSet: list(traversalSpec) });
export const filterSpec = struct({
  propSet: list(propertySpec),
  objectSet: list(objectSpec),
  reportMissingObjectsInResults: optional(boolean),
});
export type FilterSpec = ReturnType<typeof filterSpec.read>;
export type ObjectSpec = ReturnType<typeof objectSpec.read>;

const missingProperty = struct({ path: text, fault: raw });
export const objectContent = struct({
  obj: ref,
  propSet: list(struct({ name: text, val: optional(raw) })),
  missingSet: list(missingProperty),
});
export type ObjectContent = ReturnType<typeof objectContent.read>;
const retrieved = struct({ token: optional(text), objects: list(objectContent) });
/** A host that does not know us any more leaves out what was asked for, and says so in place of it. */
const retrieveResult: typeof retrieved = {
  ...retrieved,
  read: (found, where) => {
    const result = retrieved.read(found, where);
    const faults = result.objects.flatMap(({ missingSet }) => missingSet.map(({ fault }) => readLocalizedFault(fault)));
    const unknown = faults.find(({ type }) => type === 'NotAuthenticated');
    if (unknown !== undefined) throw unknown;
    return result;
  },
};

export const retrievePropertiesEx = question(
  'RetrievePropertiesEx',
  { specSet: list(filterSpec), options: struct({ maxObjects: optional(integer) }) },
  optional(retrieveResult),
);
/** The host forgets a page that it has given out. */
export const continueRetrievePropertiesEx = operation('ContinueRetrievePropertiesEx', { token: text }, retrieveResult);

export const createPropertyCollector = operation('CreatePropertyCollector', {}, ref);
export const destroyPropertyCollector = operation('DestroyPropertyCollector', {}, nothing);
export const createFilter = operation('CreateFilter', { spec: filterSpec, partialUpdates: boolean }, ref);

const propertyChange = struct({ name: text, op: text, val: optional(raw) });
const objectUpdate = struct({ kind: text, obj: ref, changeSet: list(propertyChange), missingSet: list(missingProperty) });
export type ObjectUpdate = ReturnType<typeof objectUpdate.read>;
const filterUpdate = struct({ filter: ref, objectSet: list(objectUpdate) });
const updateSet = struct({ version: text, filterSet: list(filterUpdate), truncated: optional(boolean) });

/** With the version of what was heard last; nothing comes when there was nothing to tell in that time. */
export const waitForUpdatesEx = operation(
  'WaitForUpdatesEx',
  { version: text, options: struct({ maxWaitSeconds: integer, maxObjectUpdates: optional(integer) }) },
  optional(updateSet),
);

/** Of a machine: its configuration as an element, which is a codec of its own. */
export const createVm = operation('CreateVM_Task', { config: raw, pool: ref, host: optional(ref) }, ref);
export const reconfigVm = operation('ReconfigVM_Task', { spec: raw }, ref);
export const destroy = operation('Destroy_Task', {}, ref);
/** Out of the inventory; every file stays. */
export const unregisterVm = operation('UnregisterVM', {}, nothing);
export const refreshStorageInfo = operation('RefreshStorageInfo', {}, nothing);
export const powerOn = operation('PowerOnVM_Task', { host: optional(ref) }, ref);
export const powerOff = operation('PowerOffVM_Task', {}, ref);
export const suspend = operation('SuspendVM_Task', {}, ref);
export const reset = operation('ResetVM_Task', {}, ref);
export const shutdownGuest = operation('ShutdownGuest', {}, nothing);
export const findAllByUuid = question(
  'FindAllByUuid',
  { datacenter: optional(ref), uuid: text, vmSearch: boolean, instanceUuid: optional(boolean) },
  list(ref),
);

const diskSpec = struct({ diskType: text, adapterType: text, capacityKb: integer }, 'FileBackedVirtualDiskSpec');
export const createVirtualDisk = operation('CreateVirtualDisk_Task', { name: text, datacenter: optional(ref), spec: diskSpec }, ref);
export const extendVirtualDisk = operation(
  'ExtendVirtualDisk_Task',
  { name: text, datacenter: optional(ref), newCapacityKb: integer, eagerZero: optional(boolean) },
  ref,
);
export const deleteVirtualDisk = operation('DeleteVirtualDisk_Task', { name: text, datacenter: optional(ref) }, ref);
export const makeDirectory = operation(
  'MakeDirectory',
  { name: text, datacenter: optional(ref), createParentDirectories: optional(boolean) },
  nothing,
);
export const deleteDatastoreFile = operation('DeleteDatastoreFile_Task', { name: text, datacenter: optional(ref) }, ref);
export const moveDatastoreFile = operation(
  'MoveDatastoreFile_Task',
  {
    sourceName: text,
    sourceDatacenter: optional(ref),
    destinationName: text,
    destinationDatacenter: optional(ref),
    force: optional(boolean),
  },
  ref,
);
export const refreshDatastore = question('RefreshDatastore', {}, nothing);
/** `query` is an element, as each kind of file has one of its own. */
export const searchDatastore = question(
  'SearchDatastore_Task',
  {
    datastorePath: text,
    searchSpec: struct({
      query: list(raw),
      details: struct({ fileType: boolean, fileSize: boolean, modification: boolean, fileOwner: optional(boolean) }),
      matchPattern: list(text),
    }),
  },
  ref,
);
