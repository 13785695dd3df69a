import type { MachineId } from '#drivers/driver.js';
import type { Outcome } from '../wsman/client.js';
import type { Reference } from '../wsman/instance.js';
import type { Version } from './class.js';
import { checkpointService, machineService, systemSettings } from './classes.js';
import type { Jobs } from './jobs.js';
import type { Settings } from './machine-settings.js';
import type { Wmi } from './wmi.js';
import { keysIn, quoted } from './wql.js';

type Given = Parameters<Wmi['client']['invoke']>[2];

/** Which settings are those of a machine's checkpoints; what makes copies for a moment, such as a backup, has a type of its own. */
const checkpointsOf: Readonly<Record<Version, (id: MachineId) => string>> = {
  v1: (id) => `SettingType = 5 AND SystemName = ${quoted(id)}`,
  v2: (id) => `VirtualSystemType = 'Microsoft:Hyper-V:Snapshot:Realized' AND VirtualSystemIdentifier = ${quoted(id)}`,
};

/** Of `SnapshotType`: all of a machine, or its disks alone. */
const types = { full: 2, disks: 3 } as const;

/** Whether it has the machine's memory; undefined where the host does not tell. */
export const isSaved = (settings: Settings): boolean | undefined => (settings.version === 'v2' ? settings.v2.IsSaved : undefined);

/** The checkpoint that settings go on from, by its InstanceID. */
export const parentOf = ({ common }: Settings): string | undefined => keysIn(common.Parent ?? '')['InstanceID'];

const timeOf = ({ common }: Settings): number => Date.parse(common.CreationTime ?? '') || 0;

/** Checkpoints, in either version: each is a machine's settings, as they were. Each call waits for its job, though not for ever; refusals are MethodFailures. */
export class CheckpointService {
  readonly #wmi: Wmi;
  readonly #jobs: Jobs;

  constructor(wmi: Wmi, jobs: Jobs) {
    this.#wmi = wmi;
    this.#jobs = jobs;
  }

  /** The eldest first. */
  async list(id: MachineId, signal: AbortSignal): Promise<readonly Settings[]> {
    const found = await this.#wmi.select(systemSettings, checkpointsOf[this.#wmi.version](id), signal);
    return found.toSorted((one, other) => timeOf(one) - timeOf(other));
  }

  /** `disksOnly` is of version 2 alone. */
  async take(system: Reference, disksOnly: boolean, signal: AbortSignal): Promise<void> {
    if (this.#wmi.version === 'v1') await this.#call('CreateVirtualSystemSnapshot', { SourceSystem: system }, signal);
    else {
      const SnapshotType = disksOnly ? types.disks : types.full;
      await this.#call('CreateSnapshot', { AffectedSystem: system, SnapshotSettings: '', SnapshotType }, signal);
    }
  }

  /** Waited for however long it takes: one that was applied leaves nothing by which the next try would know it, and not apply it again. */
  async apply(system: Reference, checkpoint: Reference, signal: AbortSignal): Promise<void> {
    const [method, given]: readonly [string, Given] =
      this.#wmi.version === 'v2'
        ? ['ApplySnapshot', { Snapshot: checkpoint }]
        : ['ApplyVirtualSystemSnapshotEx', { ComputerSystem: system, SnapshotSettingData: checkpoint }];
    await this.#jobs.finished(method, await this.#begin(method, given, signal), signal);
  }

  /** Of that one alone. */
  async remove(checkpoint: Reference, signal: AbortSignal): Promise<void> {
    if (this.#wmi.version === 'v2') await this.#call('DestroySnapshot', { AffectedSnapshot: checkpoint }, signal);
    else await this.#call('RemoveVirtualSystemSnapshot', { SnapshotSettingData: checkpoint }, signal);
  }

  async #call(method: string, given: Given, signal: AbortSignal): Promise<void> {
    await this.#jobs.finishedSoon(method, await this.#begin(method, given, signal), signal);
  }

  async #begin(method: string, given: Given, signal: AbortSignal): Promise<Outcome> {
    const { reference } = await this.#wmi.only(this.#wmi.version === 'v1' ? machineService : checkpointService, signal);
    return this.#wmi.client.invoke(reference, method, given, signal);
  }
}
