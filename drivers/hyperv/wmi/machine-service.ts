import type { Outcome } from '../wsman/client.js';
import { isReference, type Reference } from '../wsman/instance.js';
import { embedObject, type ObjectOf, type Version } from './class.js';
import { type computerSystem, globalSettings, machineService, systemSettings } from './classes.js';
import type { Jobs } from './jobs.js';
import { type PowerWish, requestedState } from './power.js';
import type { Wmi } from './wmi.js';

export type System = ObjectOf<typeof computerSystem>;
type Settings = ObjectOf<typeof systemSettings>;

export interface NewMachine {
  readonly name: string;
  /** What people read, and by which we know our own. */
  readonly notes: string;
  /** 2 is UEFI; version 1 has but 1. */
  readonly generation: 1 | 2;
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

/** Told of each job before it is waited for. */
export type Remember = (job: string) => Promise<void> | void;

/** `Msvm_VirtualSystemManagementService`, in either version. Each call waits for its job; refusals are MethodFailures. */
export class MachineService {
  readonly #wmi: Wmi;
  readonly #jobs: Jobs;
  #service: Promise<Reference> | undefined;

  constructor(wmi: Wmi, jobs: Jobs) {
    this.#wmi = wmi;
    this.#jobs = jobs;
  }

  /**
   * The machine that was made; undefined where a job made it, which does not say: look for it by its notes then. Version 2 has the notes from the
   * first moment on; in version 1 they are written by a second call, and whoever dies between the two leaves a machine without.
   */
  async define(machine: NewMachine, signal: AbortSignal, remember?: Remember): Promise<Reference | undefined> {
    if (this.#wmi.version === 'v1') return this.#defineV1(machine, signal, remember);
    const { name, notes, generation } = machine;
    const common = { ElementName: name };
    const v2 = { Notes: [notes], VirtualSystemSubType: `Microsoft:Hyper-V:SubType:${generation}` };
    const given = { SystemSettings: embedObject(systemSettings, { version: 'v2', common, v2 }) };
    return reference(await this.#call('DefineSystem', given, signal, remember), 'ResultingSystem');
  }

  /** Its disks stay. */
  async destroy(system: Reference, signal: AbortSignal, remember?: Remember): Promise<void> {
    const { method, target } = calls[this.#wmi.version].destroy;
    await this.#call(method, { [target]: system }, signal, remember);
  }

  /** `text` is an embedded object of settings, which name theirs by InstanceID. */
  async change(system: Reference, text: string, signal: AbortSignal, remember?: Remember): Promise<void> {
    const { method, target, settings } = calls[this.#wmi.version].change;
    await this.#call(method, { ...(target && { [target]: system }), [settings]: text }, signal, remember);
  }

  /** The settings that a machine has at its next start. */
  async settingsOf(system: Reference, signal: AbortSignal): Promise<Settings | undefined> {
    const [found] = await this.#wmi.associated(system, 'Msvm_SettingsDefineState', systemSettings, signal);
    return found;
  }

  /** Adds parts, embedded objects each; gives what they became, or nothing where a job did it. */
  async add(system: Reference, parts: readonly string[], signal: AbortSignal, remember?: Remember): Promise<readonly Reference[]> {
    const { method, target, resources, made } = calls[this.#wmi.version].add;
    const to = this.#wmi.version === 'v1' ? system : (await this.settingsOf(system, signal))?.reference;
    const { values } = await this.#call(method, { [target]: to, [resources]: parts }, signal, remember);
    return (values.get(made) ?? []).filter(isReference);
  }

  /** Changes parts, which name theirs by InstanceID. */
  async alter(system: Reference, parts: readonly string[], signal: AbortSignal, remember?: Remember): Promise<void> {
    const { method, target, resources } = calls[this.#wmi.version].alter;
    await this.#call(method, { ...(target && { [target]: system }), [resources]: parts }, signal, remember);
  }

  /** What is in a drive goes before the drive. */
  async remove(system: Reference, parts: readonly Reference[], signal: AbortSignal, remember?: Remember): Promise<void> {
    const { method, target, resources } = calls[this.#wmi.version].remove;
    await this.#call(method, { ...(target && { [target]: system }), [resources]: parts }, signal, remember);
  }

  async request(system: Reference, wish: PowerWish, signal: AbortSignal, remember?: Remember): Promise<void> {
    const given = { RequestedState: requestedState(this.#wmi.version, wish) };
    const outcome = await this.#wmi.client.invoke(system, 'RequestStateChange', given, signal);
    await this.#jobs.finished(`RequestStateChange (${wish})`, outcome, signal, remember);
  }

  async #defineV1({ name, notes }: NewMachine, signal: AbortSignal, remember?: Remember): Promise<Reference | undefined> {
    const given = { SystemSettingData: embedObject(globalSettings, { version: 'v1', v1: { ElementName: name } }) };
    const system = reference(await this.#call('DefineVirtualSystem', given, signal, remember), 'DefinedSystem');
    const settings = system && (await this.settingsOf(system, signal));
    if (system === undefined || settings === undefined) return undefined;
    const common = { InstanceID: settings.common.InstanceID };
    await this.change(system, embedObject(systemSettings, { version: 'v1', common, v1: { Notes: notes } }), signal, remember);
    return system;
  }

  async #call(method: string, given: Parameters<Wmi['client']['invoke']>[2], signal: AbortSignal, remember?: Remember): Promise<Outcome> {
    const outcome = await this.#wmi.client.invoke(await this.#reference(signal), method, given, signal);
    await this.#jobs.finished(method, outcome, signal, remember);
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
