import type { Version } from './class.js';
import { keysIn } from './wql.js';

const common = { ide: 5, scsi: 6, card: 10, dvd: 16 } as const;

/**
 * CIM's ResourceType of what machines are made of. Version 1 is of an earlier schema, which has a disk drive as 22 and what is in a drive as a
 * storage extent, 21; a serial port is 17 there (Microsoft's samples for root\\virtualization), and 21 since.
 */
export const resourceTypes = {
  v1: { ...common, disk: 22, image: 21, serial: 17, connection: 33 },
  v2: { ...common, disk: 17, image: 31, serial: 21, connection: 33 },
} as const satisfies Record<Version, unknown>;

/** `Synthetic Disk Drive` as a ResourceSubType. */
export const subType = (version: Version, name: string): string => (version === 'v1' ? `Microsoft ${name}` : `Microsoft:Hyper-V:${name}`);

/** What of an InstanceID is the part's own; before it stands whose it is. In upper case, as hosts do not mind. */
export const partKey = (instanceId: string): string => instanceId.slice(instanceId.indexOf('\\') + 1).toUpperCase();

/** The part that a path leads to. */
export const partKeyIn = (path = ''): string => partKey(keysIn(path)['InstanceID'] ?? '');

/** Whose part it is: a GUID in upper case. Undefined for what is a definition only. */
export const machineIn = (instanceId: string): string | undefined => /^Microsoft:([0-9A-F-]{36})\\/i.exec(instanceId)?.[1]?.toUpperCase();
