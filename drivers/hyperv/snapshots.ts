import type { MachineId, OwnerMark, Snapshot, SnapshotDefinition, Snapshots, SnapshotTree } from '#drivers/driver.js';
import { DriverError, isAnswer } from '#drivers/error.js';
import { assertOwner } from '#drivers/owner.js';
import { isCheckpoint } from './devices.js';
import { keptOf } from './identity.js';
import type { Inventory } from './inventory.js';
import { glanceOf, isPlainOff, type NativeMachine } from './native.js';
import { type CheckpointNote, type Kept, nothingOwned, wholeSeed, withKept } from './notes.js';
import { seedAfter, seedThere, uncertain } from './reverted-seed.js';
import { checkSnapshot, memoryOf } from './snapshot-definition.js';
import { type CheckpointService, isSaved, parentOf } from './wmi/checkpoint-service.js';
import { machineIdOf, notesOf, type Settings } from './wmi/machine-settings.js';

/** Of OperationalStatus. */
const mergingDisks = 32772;

/**
 * Hyper-V's checkpoints. A checkpoint has notes, of which the host makes a copy of the machine's: so the key stands in the machine's before it is taken, and
 * in the checkpoint's from its first moment on.
 */
export class HypervSnapshots implements Snapshots {
  readonly #inventory: Inventory;
  readonly #service: CheckpointService;

  constructor(inventory: Inventory, service: CheckpointService) {
    this.#inventory = inventory;
    this.#service = service;
  }

  async list(id: MachineId, signal: AbortSignal): Promise<SnapshotTree> {
    const [native, all] = await Promise.all([this.#inventory.native(id, signal), this.#service.list(id, signal)]);
    const current = parentOf(native.settings);
    const snapshots = all.map((each) => snapshotOf(each, ofKey(all, noteOf(each)?.key) === each, current));
    const isLayered = native.parts.drives.some(({ image }) => image !== undefined && isCheckpoint(image.file));
    return { snapshots, isMerging: native.system.common.OperationalStatus.includes(mergingDisks) || (all.length === 0 && isLayered) };
  }

  async take(id: MachineId, owner: OwnerMark, wanted: SnapshotDefinition, signal: AbortSignal): Promise<void> {
    checkSnapshot(wanted);
    await this.#changing(id, owner, signal, async (native, kept) => {
      const before = await this.#service.list(id, signal);
      const found = ofKey(before, wanted.key);
      if (found === undefined) await this.#take(native, kept, wanted, before, signal);
      else await this.#name(found, { ...(keptOf(found) ?? kept) }, wanted.name, signal);
      await this.#note(id, undefined, signal);
    });
  }

  async #take(native: NativeMachine, kept: Kept, wanted: SnapshotDefinition, before: readonly Settings[], signal: AbortSignal) {
    const { id } = glanceOf(native);
    const seed = wholeSeed(kept);
    const note = { key: wanted.key, memory: memoryOf(native, wanted, this.#inventory.limits), ...(seed === undefined ? {} : { seed }) };
    await this.#note(id, note, signal);
    try {
      await this.#service.take(native.system.reference, !note.memory && !isPlainOff(native), signal);
    } catch (reason) {
      // What was refused is not noted for one that people take.
      if (isAnswer(reason)) await this.#note(id, undefined, signal);
      throw reason;
    }
    const after = await this.#service.list(id, signal);
    const isOld = (each: Settings) => before.some(({ common }) => common.InstanceID === each.common.InstanceID);
    const made = ofKey(after, wanted.key) ?? after.find((each) => !isOld(each));
    if (made === undefined) throw new DriverError('Conflict', `snapshot "${wanted.key}" was taken, and is gone again`);
    await this.#name(made, { ...kept, checkpoint: note }, wanted.name, signal);
  }

  /** All that the host would bring back with the disks and is not the disks' stands in the checkpoint as it is now before it is applied. */
  async revert(id: MachineId, owner: OwnerMark, key: string, signal: AbortSignal): Promise<void> {
    await this.#changing(id, owner, signal, async (native, kept) => {
      const checkpoint = ofKey(await this.#service.list(id, signal), key);
      if (checkpoint === undefined) throw noSnapshot(native, key);
      const { nativeName, power } = glanceOf(native);
      if (power.state !== 'Off')
        throw new DriverError('Conflict', `machine "${nativeName}" is ${power.state}; only one that is Off is reverted: stop it first`);
      const then = keptOf(checkpoint);
      const { checkpoint: note = { key, memory: false }, owned = nothingOwned } = then ?? {};
      const now: Kept = { ...kept, next: {}, owned };
      const told = () => seedThere(id, this.#inventory, signal);
      const before = await told();
      const during = { ...now, seed: uncertain(kept.seed ?? note.seed), checkpoint: note };
      const notes = withKept(notesOf(native.settings), during);
      await this.#inventory.service.changeSettings({ system: native.system, settings: checkpoint }, { notes }, signal);
      await this.#service.apply(native.system.reference, checkpoint.reference, signal);
      const { checkpoint: _, ...plain } = { ...now, seed: seedAfter(kept.uuid, kept.seed, note.seed, before, await told()) };
      await this.#write(await this.#inventory.native(id, signal), withKept(notesOf(native.settings), plain), signal);
    });
  }

  async remove(id: MachineId, owner: OwnerMark, key: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#changing(id, owner, signal, async () => {
        const checkpoint = ofKey(await this.#service.list(id, signal), key);
        if (checkpoint !== undefined) await this.#service.remove(checkpoint.reference, signal);
        await this.#note(id, undefined, signal);
      });
    } catch (reason) {
      if (!(reason instanceof DriverError && reason.code === 'NotFound')) throw reason;
    }
  }

  #changing(
    id: MachineId,
    owner: OwnerMark,
    signal: AbortSignal,
    act: (native: NativeMachine, kept: Kept) => Promise<void>,
  ): Promise<void> {
    return this.#inventory.changing(id, signal, async (native) => {
      const kept = keptOf(native.settings);
      assertOwner(glanceOf(native).nativeName, kept?.mark, owner);
      if (kept !== undefined) await act(native, kept);
    });
  }

  /** What the machine's notes say of a checkpoint. */
  async #note(id: MachineId, note: CheckpointNote | undefined, signal: AbortSignal): Promise<void> {
    const native = await this.#inventory.native(id, signal);
    const kept = keptOf(native.settings);
    if (kept === undefined) return;
    const { checkpoint: _, ...plain } = kept;
    await this.#write(native, withKept(notesOf(native.settings), note === undefined ? plain : { ...plain, checkpoint: note }), signal);
  }

  async #name(checkpoint: Settings, kept: Kept, name: string, signal: AbortSignal): Promise<void> {
    const notes = withKept(notesOf(checkpoint), kept);
    if (checkpoint.common.ElementName === name && isSame(notes, notesOf(checkpoint))) return;
    const native = await this.#inventory.native(machineIdOf(checkpoint) as MachineId, signal);
    await this.#inventory.service.changeSettings({ system: native.system, settings: checkpoint }, { notes, name }, signal);
  }

  async #write(native: NativeMachine, notes: readonly string[], signal: AbortSignal): Promise<void> {
    if (!isSame(notes, notesOf(native.settings))) await this.#inventory.service.changeSettings(native, { notes }, signal);
  }
}

const isSame = (one: readonly string[], other: readonly string[]): boolean => JSON.stringify(one) === JSON.stringify(other);

const noteOf = (checkpoint: Settings): CheckpointNote | undefined => keptOf(checkpoint)?.checkpoint;

/** The eldest of a key is it: one that people took while the key was noted in the machine has it, too. */
const ofKey = (all: readonly Settings[], key: string | undefined): Settings | undefined =>
  all.find((each) => key !== undefined && noteOf(each)?.key === key);

function snapshotOf(checkpoint: Settings, isOurs: boolean, current: string | undefined): Snapshot {
  const { InstanceID: id, ElementName: name = '', CreationTime } = checkpoint.common;
  const parent = parentOf(checkpoint);
  const note = noteOf(checkpoint);
  const memory = isOurs && note !== undefined ? note.memory : isSaved(checkpoint);
  return {
    ...{ id, name, isCurrent: id.toUpperCase() === current?.toUpperCase() },
    ...(isOurs && note !== undefined ? { key: note.key } : {}),
    ...(CreationTime === undefined ? {} : { takenAt: CreationTime }),
    ...(parent === undefined ? {} : { parent }),
    ...(memory === undefined ? {} : { memory }),
  };
}

const noSnapshot = (native: NativeMachine, key: string): DriverError =>
  new DriverError('NotFound', `machine "${glanceOf(native).nativeName}" has no snapshot "${key}" (any more)`);
