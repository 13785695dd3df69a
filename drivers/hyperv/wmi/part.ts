import type { Version } from './class.js';
import { keysIn } from './wql.js';

/** CIM's ResourceType of what machines are made of. */
export const resourceTypes = { ide: 5, scsi: 6, card: 10, dvd: 16, disk: 17, image: 31, connection: 33 } as const;

/** `Synthetic Disk Drive` as a ResourceSubType. */
export const subType = (version: Version, name: string): string => (version === 'v1' ? `Microsoft ${name}` : `Microsoft:Hyper-V:${name}`);

/** What of an InstanceID is the part's own; before it stands whose it is. In upper case, as hosts do not mind. */
export const partKey = (instanceId: string): string => instanceId.slice(instanceId.indexOf('\\') + 1).toUpperCase();

/** The part that a path leads to. */
export const partKeyIn = (path = ''): string => partKey(keysIn(path)['InstanceID'] ?? '');

/** Whose part it is: a GUID in upper case. Undefined for what is a definition only. */
export const machineIn = (instanceId: string): string | undefined => /^Microsoft:([0-9A-F-]{36})\\/i.exec(instanceId)?.[1]?.toUpperCase();
