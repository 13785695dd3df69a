import { embedObject, type ObjectOf, type Version } from './class.js';
import { systemSettings } from './classes.js';
import { type Startup, startupNumbers } from './startup.js';

export type Settings = ObjectOf<typeof systemSettings>;

/** Which settings are a machine's own, and no checkpoint's. */
export const ownSettings: Readonly<Record<Version, string>> = {
  v1: 'SettingType = 3',
  v2: "VirtualSystemType = 'Microsoft:Hyper-V:System:Realized'",
};

/** The GUID of the machine that settings are of, in upper case. */
export const machineIdOf = (settings: Settings): string =>
  (settings.version === 'v1' ? settings.v1.SystemName : settings.v2.VirtualSystemIdentifier)?.toUpperCase() ?? '';

/** In lower case. Empty where the host tells none. */
export const uuidOf = ({ common }: Settings): string => (common.BIOSGUID ?? '').replace(/^{|}$/g, '').toLowerCase();

/** As BIOSGUID has it. */
export const guidText = (uuid: string): string => `{${uuid.toUpperCase()}}`;

/** 2 is UEFI. Version 1 has but 1. */
export const generationOf = (settings: Settings): 1 | 2 =>
  settings.version === 'v2' && settings.v2.VirtualSystemSubType?.endsWith(':2') === true ? 2 : 1;

export const hasSecureBoot = (settings: Settings): boolean =>
  settings.version === 'v2' && generationOf(settings) === 2 && settings.v2.SecureBootEnabled === true;

/** Of the format of its configuration; version 1 has but one. */
export const formatOf = (settings: Settings): string | undefined => (settings.version === 'v2' ? settings.v2.Version : undefined);

/** What people, and we, wrote down about a machine: one text in version 1, and any number of them in version 2. */
export const notesOf = (settings: Settings): readonly string[] =>
  settings.version === 'v2' ? settings.v2.Notes : settings.v1.Notes === undefined ? [] : [settings.v1.Notes];

/** What is to be changed; the rest stays. */
export interface SettingsChange {
  readonly notes?: readonly string[];
  readonly uuid?: string;
  readonly secureBoot?: boolean;
  /** Of a checkpoint. */
  readonly name?: string;
  /** `AutomaticStartupAction`, which version 1 has elsewhere: see `MachineService.changeSettings`. */
  readonly startup?: Startup;
}

/** The change as an embedded object; undefined when it is none. Only of version 2 are secure boot and startup. */
export function changeText(settings: Settings, { notes, uuid, secureBoot, name, startup }: SettingsChange): string | undefined {
  if ([notes, uuid, secureBoot, name, startup].every((each) => each === undefined)) return undefined;
  const common = {
    InstanceID: settings.common.InstanceID,
    ...(uuid === undefined ? {} : { BIOSGUID: guidText(uuid) }),
    ...(name === undefined ? {} : { ElementName: name }),
  };
  if (settings.version === 'v1') {
    if (notes === undefined && uuid === undefined && name === undefined) return undefined;
    return embedObject(systemSettings, { version: 'v1', common, v1: notes === undefined ? {} : { Notes: notes.join('\n') } });
  }
  const v2 = {
    ...(notes && { Notes: notes }),
    ...(secureBoot === undefined ? {} : { SecureBootEnabled: secureBoot }),
    ...(startup === undefined ? {} : { AutomaticStartupAction: startupNumbers.v2[startup] }),
  };
  return embedObject(systemSettings, { version: 'v2', common, v2 });
}
