import type { Classes } from '../cim/class.js';

export type Mode = 'v1' | 'v2';
export type State = 'off' | 'running' | 'paused' | 'saved';
export type Transition = 'starting' | 'stopping' | 'saving' | 'pausing' | 'resuming';
export type Verb = 'start' | 'off' | 'save' | 'pause' | 'reset' | 'reboot';

/** How the two versions of the namespace say the same. */
export interface Words {
  readonly mode: Mode;
  readonly namespace: string;
  readonly classes: Classes;
  readonly types: ResourceTypes;
  /** `Synthetic Disk Drive` as a ResourceSubType. */
  readonly subType: (name: string) => string;
  /** The property that says at which place of its controller something is. */
  readonly place: 'AddressOnParent' | 'Address';
  /** The property of an image that says which file it is, and of a card where it is plugged in. */
  readonly file: 'HostResource' | 'Connection';
  readonly imageClass: string;
  readonly enabledState: Readonly<Record<State | Transition, number>>;
  readonly requests: Readonly<Record<number, Verb>>;
}

export const wordsV2 = (classes: Classes): Words => ({
  mode: 'v2',
  namespace: 'root/virtualization/v2',
  classes,
  types: typesV2,
  subType: (name) => `Microsoft:Hyper-V:${name}`,
  place: 'AddressOnParent',
  file: 'HostResource',
  imageClass: 'Msvm_StorageAllocationSettingData',
  enabledState: { off: 3, running: 2, paused: 9, saved: 6, starting: 10, stopping: 4, saving: 1, pausing: 1, resuming: 10 },
  requests: { 2: 'start', 3: 'off', 6: 'save', 9: 'pause', 10: 'reboot', 11: 'reset' },
});

export const wordsV1 = (classes: Classes): Words => ({
  mode: 'v1',
  namespace: 'root/virtualization',
  classes,
  types: typesV1,
  subType: (name) => `Microsoft ${name}`,
  place: 'Address',
  file: 'Connection',
  imageClass: 'Msvm_ResourceAllocationSettingData',
  enabledState: {
    off: 3,
    running: 2,
    paused: 32768,
    saved: 32769,
    starting: 32770,
    stopping: 32774,
    saving: 32773,
    pausing: 32776,
    resuming: 32777,
  },
  requests: { 2: 'start', 3: 'off', 10: 'reset', 32768: 'pause', 32769: 'save' },
});

/** CIM's ResourceType, as the namespace has it. */
export interface ResourceTypes {
  readonly other: string;
  readonly processor: string;
  readonly memory: string;
  readonly ide: string;
  readonly scsi: string;
  readonly card: string;
  readonly floppyDrive: string;
  readonly dvdDrive: string;
  readonly diskDrive: string;
  readonly serial: string;
  readonly display: string;
  readonly image: string;
  readonly connection: string;
}

const common = {
  other: '1',
  processor: '3',
  memory: '4',
  ide: '5',
  scsi: '6',
  card: '10',
  floppyDrive: '14',
  dvdDrive: '16',
  display: '24',
};

/** Version 2 follows a later CIM schema than version 1, where a disk drive, what is in one, and a serial port have other numbers. */
const typesV2: ResourceTypes = { ...common, diskDrive: '17', serial: '21', image: '31', connection: '33' };
const typesV1: ResourceTypes = { ...common, diskDrive: '22', serial: '17', image: '21', connection: '33' };

/** What a sub type is, by the name in it: a client that says both says them alike. */
export const typesBySubType: Readonly<Record<string, keyof ResourceTypes>> = {
  'Synthetic Disk Drive': 'diskDrive',
  'Physical Disk Drive': 'diskDrive',
  'Synthetic DVD Drive': 'dvdDrive',
  'Virtual Hard Disk': 'image',
  'Virtual CD/DVD Disk': 'image',
  'Virtual Floppy Disk': 'image',
  'Synthetic SCSI Controller': 'scsi',
  'Synthetic Ethernet Port': 'card',
  'Ethernet Connection': 'connection',
};
