import type { Version } from './class.js';

/** What a host does with a machine when it starts itself. */
export type Startup = 'Never' | 'IfItRan' | 'Always';

/** As `AutomaticStartupAction` says it: the same number is another word in the other version. Source: Msvm_VirtualSystemGlobalSettingData (version 1), Msvm_VirtualSystemSettingData. */
export const startupNumbers: Readonly<Record<Version, Readonly<Record<Startup, number>>>> = {
  v1: { Never: 0, IfItRan: 1, Always: 2 },
  v2: { Never: 2, IfItRan: 3, Always: 4 },
};

export const startups: readonly Startup[] = ['Never', 'IfItRan', 'Always'];

export const startupOf = (version: Version, number: number | undefined): Startup =>
  startups.find((each) => startupNumbers[version][each] === number) ?? 'Never';
