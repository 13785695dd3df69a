import type { Outcome } from '../wsman/client.js';
import { isReference, type Reference } from '../wsman/instance.js';
import { nonsense } from '../wsman/nonsense.js';
import { embedObject, type ObjectOf, type Version } from './class.js';
import { computerSystem, globalSettings, machineService, systemSettings } from './classes.js';
import { newScsiController } from './drives.js';
import type { Jobs } from './jobs.js';
import { changeText, guidText, type Settings, type SettingsChange } from './machine-settings.js';
import { type PowerWish, requestedState } from './power.js';
import { type Startup, startupNumbers, startupOf } from './startup.js';
import type { Wmi } from './wmi.js';

export type System = ObjectOf<typeof computerSystem>;

export interface NewMachine {
  readonly name: string;
  /** What the guest reads of its firmware. */
  readonly uuid: string;
  /** What people read, and by which we know our own. */
  readonly notes: string;
  /** 2 is UEFI; version 1 has but 1. */
  readonly generation: 1 | 2;
}

/** A machine, and how it is set up. */
export interface MachineSettings {
  readonly system: System;
  readonly settings: Settings;
}

/** How the two versions call the same, and what is said to whom. */
const calls = {
  v1: {
    destroy: { method: 'DestroyVirtualSystem', target: 'ComputerSystem' },
    change: { method: 'ModifyVirtualSystem', target: 'ComputerSystem', settings: 'SystemSettingData' },
    add: { method: 'AddVirtualSystemResources', target: 'TargetSystem', resources: 'ResourceSettingData', made: 'NewResources' },
    alter: { method: 'ModifyVirtualSystemResources', target: 'ComputerSystem', resources: 'ResourceSettingData' },
    remove: { method: 'RemoveVirtualSystemResources', target: 'TargetSystem', resources: 'ResourceSettingData' },
  },
  v2: {
    destroy: { method: 'DestroySystem', target: 'AffectedSystem' },
    change: { method: 'ModifySystemSettings', target: undefined, settings: 'SystemSettings' },
    add: {
      method: 'AddResourceSettings',
      target: 'AffectedConfiguration',
      resources: 'ResourceSettings',
      made: 'ResultingResourceSettings',
    },
    alter: { method: 'ModifyResourceSettings', target: undefined, resources: 'ResourceSettings' },
    remove: { method: 'RemoveResourceSettings', target: undefined, resources: 'ResourceSettings' },
  },
} as const satisfies Record<Version, unknown>;

const halfMadeName = (uuid: string): string => `virtwright ${uuid.toLowerCase()} is being made`;

/** Whether a machine has uuid and notes by now, and not its name yet: only version 1 knows such. */
export const isHalfMade = (name: string, uuid: string): boolean => name === halfMadeName(uuid);

/** `Msvm_VirtualSystemManagementService`, in either version. Each call waits for its job, as long as there is patience (TimedOut); refusals are MethodFailures. */
export class MachineService {
  readonly #wmi: Wmi;
  readonly #jobs: Jobs;
  #service: Promise<Reference> | undefined;

  constructor(wmi: Wmi, jobs: Jobs) {
    this.#wmi = wmi;
    this.#jobs = jobs;
  }

  /**
   * The machine that was made, which the host starts of itself never, and which has a SCSI controller, as it can get none while it runs. Undefined where a job made it, which does not say: look for it by its uuid
   * then. Version 2 has uuid and notes from the first moment on. Version 1 takes but a name at first: that is then one which only this uuid has,
   * so that whoever comes after us finds the machine, and goes on; see `isHalfMade`.
   */
  async define(machine: NewMachine, signal: AbortSignal): Promise<Reference | undefined> {
    if (this.#wmi.version === 'v1') return this.#defineV1(machine, signal);
    const { name, notes, generation, uuid } = machine;
    const common = { ElementName: name, BIOSGUID: guidText(uuid) };
    const v2 = {
      Notes: [notes],
      VirtualSystemSubType: `Microsoft:Hyper-V:SubType:${generation}`,
      AutomaticStartupAction: startupNumbers.v2.Never,
    };
    const secure = generation === 2 ? { SecureBootEnabled: false } : {};
    const given = {
      SystemSettings: embedObject(systemSettings, { version: 'v2', common, v2: { ...v2, ...secure } }),
      ResourceSettings: [newScsiController(this.#wmi)],
    };
    return reference(await this.#call('DefineSystem', given, signal), 'ResultingSystem');
  }

  /** Waits for changes of that machine which are under way. @throws DriverError Busy */
  settled(id: string, signal: AbortSignal): Promise<void> {
    return this.#jobs.settled(id, signal);
  }

  /** What the host is at with a machine, in words. */
  underWay(system: Reference, signal: AbortSignal): Promise<string | undefined> {
    return this.#jobs.underWay(system, signal);
  }

  /** Waits for machines that are being made; whether there were any. @throws DriverError Busy */
  othersMade(signal: AbortSignal): Promise<boolean> {
    return this.#jobs.machinesMade(signal);
  }

  /** Gives it another name. */
  async rename(system: Reference, name: string, signal: AbortSignal): Promise<void> {
    if (this.#wmi.version === 'v1') {
      const id = (await this.#globalOf(system, signal))?.InstanceID;
      const settings = { InstanceID: id, ElementName: name };
      await this.change(system, embedObject(globalSettings, { version: 'v1', v1: settings }), signal);
    } else {
      const settings = await this.settingsOf(system, signal);
      const common = { InstanceID: settings?.common.InstanceID, ElementName: name };
      await this.change(system, embedObject(systemSettings, { version: 'v2', common }), signal);
    }
  }

  /** What the host does with a machine when it starts itself. */
  async startupOf({ system, settings }: MachineSettings, signal: AbortSignal): Promise<Startup> {
    const { AutomaticStartupAction } = settings.version === 'v2' ? settings.v2 : ((await this.#globalOf(system.reference, signal)) ?? {});
    return startupOf(settings.version, AutomaticStartupAction);
  }

  /** Changes a machine's settings. In one call, but for `startup` in version 1, which comes last there. */
  async changeSettings({ system, settings }: MachineSettings, change: SettingsChange, signal: AbortSignal): Promise<void> {
    const text = changeText(settings, change);
    if (text !== undefined) await this.change(system.reference, text, signal);
    if (settings.version === 'v2' || change.startup === undefined) return;
    const id = (await this.#globalOf(system.reference, signal))?.InstanceID;
    const v1 = { InstanceID: id, AutomaticStartupAction: startupNumbers.v1[change.startup] };
    await this.change(system.reference, embedObject(globalSettings, { version: 'v1', v1 }), signal);
  }

  async #globalOf(system: Reference, signal: AbortSignal) {
    const [found] = await this.#wmi.associated(system, 'Msvm_ElementSettingData', globalSettings, signal);
    return found?.version === 'v1' ? found.v1 : undefined;
  }

  /** Its disks stay. */
  async destroy(system: Reference, signal: AbortSignal): Promise<void> {
    const { method, target } = calls[this.#wmi.version].destroy;
    await this.#call(method, { [target]: system }, signal);
  }

  /** `text` is an embedded object of settings, which name theirs by InstanceID. */
  async change(system: Reference, text: string, signal: AbortSignal): Promise<void> {
    const { method, target, settings } = calls[this.#wmi.version].change;
    await this.#call(method, { ...(target && { [target]: system }), [settings]: text }, signal);
  }

  /** The settings that a machine has at its next start. */
  async settingsOf(system: Reference, signal: AbortSignal): Promise<Settings | undefined> {
    const [found] = await this.#wmi.associated(system, 'Msvm_SettingsDefineState', systemSettings, signal);
    return found;
  }

  /** Adds parts, embedded objects each; gives what they became, or nothing where a job did it. */
  async add(system: Reference, parts: readonly string[], signal: AbortSignal): Promise<readonly Reference[]> {
    const { method, target, resources, made } = calls[this.#wmi.version].add;
    const to = this.#wmi.version === 'v1' ? system : (await this.settingsOf(system, signal))?.reference;
    const { values } = await this.#call(method, { [target]: to, [resources]: parts }, signal);
    return (values.get(made) ?? []).filter(isReference);
  }

  /** Changes parts, which name theirs by InstanceID. */
  async alter(system: Reference, parts: readonly string[], signal: AbortSignal): Promise<void> {
    const { method, target, resources } = calls[this.#wmi.version].alter;
    await this.#call(method, { ...(target && { [target]: system }), [resources]: parts }, signal);
  }

  /** What is in a drive goes before the drive. */
  async remove(system: Reference, parts: readonly Reference[], signal: AbortSignal): Promise<void> {
    const { method, target, resources } = calls[this.#wmi.version].remove;
    await this.#call(method, { ...(target && { [target]: system }), [resources]: parts }, signal);
  }

  /** Gives what a card is plugged in by more settings, embedded objects each; of version 2. */
  async addFeatures(plug: Reference, features: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#call('AddFeatureSettings', { AffectedConfiguration: plug, FeatureSettings: features }, signal);
  }

  async removeFeatures(features: readonly Reference[], signal: AbortSignal): Promise<void> {
    await this.#call('RemoveFeatureSettings', { FeatureSettings: features }, signal);
  }

  /** What the host tells the guest: items, embedded objects each, at most 128. Those to be added must not be there, and those to be changed must. */
  async changeItems(system: Reference, change: 'Add' | 'Modify' | 'Remove', items: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#call(`${change}KvpItems`, { TargetSystem: system, DataItems: items }, signal);
  }

  /** What the screen of a machine of these settings shows, scaled to that size: RGB565, little endian, from the top. */
  async picture(settings: Reference, width: number, height: number, signal: AbortSignal): Promise<Buffer> {
    const method = 'GetVirtualSystemThumbnailImage';
    const given = { TargetSystem: settings, WidthPixels: width, HeightPixels: height };
    const [image] = (await this.#call(method, given, signal)).values.get('ImageData') ?? [];
    const pixels = Buffer.from(typeof image === 'string' ? image : '', 'base64');
    if (pixels.length !== width * height * 2) throw nonsense(`${method} gives ${pixels.length} bytes for ${width} by ${height} pixels`);
    return pixels;
  }

  async request(system: Reference, wish: PowerWish, signal: AbortSignal): Promise<void> {
    const given = { RequestedState: requestedState(this.#wmi.version, wish) };
    const outcome = await this.#wmi.client.invoke(system, 'RequestStateChange', given, signal);
    await this.#jobs.finishedSoon(`RequestStateChange (${wish})`, outcome, signal);
  }

  async #defineV1({ name, notes, uuid }: NewMachine, signal: AbortSignal): Promise<Reference | undefined> {
    const first = halfMadeName(uuid);
    const system = (await this.#named(first, signal)) ?? (await this.#makeV1(first, signal));
    const settings = system && (await this.settingsOf(system, signal));
    if (system === undefined || settings === undefined) return undefined;
    const common = { InstanceID: settings.common.InstanceID, BIOSGUID: guidText(uuid) };
    await this.change(system, embedObject(systemSettings, { version: 'v1', common, v1: { Notes: notes } }), signal);
    await this.rename(system, name, signal);
    return system;
  }

  async #makeV1(name: string, signal: AbortSignal): Promise<Reference | undefined> {
    const v1 = { ElementName: name, AutomaticStartupAction: startupNumbers.v1.Never };
    const given = {
      SystemSettingData: embedObject(globalSettings, { version: 'v1', v1 }),
      ResourceSettingData: [newScsiController(this.#wmi)],
    };
    const made = reference(await this.#call('DefineVirtualSystem', given, signal), 'DefinedSystem');
    return made ?? this.#named(name, signal);
  }

  async #named(name: string, signal: AbortSignal): Promise<Reference | undefined> {
    const [found] = await this.#wmi.find(computerSystem, { ElementName: name }, signal);
    return found?.reference;
  }

  async #call(method: string, given: Parameters<Wmi['client']['invoke']>[2], signal: AbortSignal): Promise<Outcome> {
    const outcome = await this.#wmi.client.invoke(await this.#reference(signal), method, given, signal);
    await this.#jobs.finishedSoon(method, outcome, signal);
    return outcome;
  }

  /** Asked for once; a failure is asked for again. */
  #reference(signal: AbortSignal): Promise<Reference> {
    this.#service ??= this.#wmi.only(machineService, signal).then(
      ({ reference }) => reference,
      (reason) => {
        this.#service = undefined;
        throw reason;
      },
    );
    return this.#service;
  }
}

function reference({ values }: Outcome, name: string): Reference | undefined {
  const [found] = values.get(name) ?? [];
  return isReference(found) ? found : undefined;
}
