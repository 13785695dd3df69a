import type { VirtualMachine, VirtualMachineStatus } from '#crds/types.js';
import type { Machine, MachineId, OwnerMark } from '#drivers/driver.js';
import { DriverError, type DriverErrorCode, isAnswer } from '#drivers/error.js';
import { attachedTo } from '../host/attached.js';
import type { Locks } from '../host/locks.js';
import type { HostScope } from '../host/scope.js';
import type { HostView } from '../host/view.js';
import { on, type Performer, type Performers } from '../plan.js';
import type { Kind } from '../reconcile.js';
import { keepSeed, removeSeeds } from '../seed/volume.js';
import type { Stores } from '../stores.js';
import { type MachineAction, marked } from './action.js';
import type { DesiredMachine, ObservedMachine } from './desired.js';
import { Heard } from './heard.js';
import { planMachine } from './plan.js';
import { type ActionRecord, type MachineRecord, noteFailedStart, noteRefused, recordable } from './record.js';
import { decodeRecord } from './record-text.js';
import { reportMachine } from './report.js';
import { rememberedRecord } from './report-run.js';
import { type MachineStores, resolveMachine } from './resolve.js';

export type MachineKind = Kind<VirtualMachine, DesiredMachine, ObservedMachine, MachineAction, VirtualMachineStatus>;

type Action<K extends MachineAction['kind']> = Extract<MachineAction, { readonly kind: K }>;

/** The mark first, then the act it is about: whoever dies in between finds it written. */
const starting = (locks: Locks, seeds: KeptSeeds): Performer<Action<'start'>> => ({
  needs: 'power',
  async run({ driver, view, clock }, { id, mark, record, owner, paused }, signal) {
    try {
      if (mark !== undefined) await driver.machines.mark(id, mark, owner, signal);
      const disks = disksOf(id, view);
      await locks.hold(disks, () => {
        const occupied = locks.occupied(disks);
        if (occupied !== undefined) throw new DriverError('Busy', occupied);
        return driver.power.start(id, { paused }, signal);
      });
    } catch (reason) {
      const failed = marked({ owner }, noteFailedStart(record, reason, clock()));
      if (isAnswer(reason)) await driver.machines.mark(id, failed, owner, signal).catch(() => {});
      throw reason;
    } finally {
      seeds.forget(view.machines.find((machine) => machine.id === id)?.configured?.seed?.location);
      view.dirtyMachine(id);
    }
  },
});

function disksOf(id: MachineId, view: HostView): readonly string[] {
  const shape = view.machines.find((machine) => machine.id === id)?.configured;
  return shape === undefined ? [] : attachedTo(shape);
}

/** What the host refuses waits for the machine's next start; that it did is noted, or it would be tried for ever. */
const applying = (locks: Locks, heard: Heard): Performer<Action<'apply'>> => ({
  needs: 'live',
  async run({ driver, view }, { id, owner, part, key, record, mark }, signal) {
    try {
      if (mark !== undefined) await driver.machines.mark(id, mark, owner, signal);
      await locks.hold(part.kind === 'disk' ? disksOf(id, view) : [], async () => driver.live?.apply(id, owner, part, signal));
      heard.add(id, key, record);
    } catch (reason) {
      if (!isRefusal(reason)) throw reason;
      await driver.machines.mark(id, marked({ owner }, refusedBy(reason, record, key)), owner, signal);
    } finally {
      view.dirtyMachine(id);
    }
  },
});

const refusals: ReadonlySet<DriverErrorCode> = new Set(['Unsupported', 'Invalid', 'Denied', 'Exhausted', 'Internal']);
/** What no later try can change. */
const isForGood = ({ code }: DriverError): boolean => code === 'Unsupported' || code === 'Invalid';
const refusedBy = (reason: DriverError, record: MachineRecord, key: string): MachineRecord =>
  noteRefused(record, key, recordable(reason.message), isForGood(reason));
const isRefusal = (reason: unknown): reason is DriverError => reason instanceof DriverError && refusals.has(reason.code);

const marking = <A extends Action<'press' | 'cut' | 'pause' | 'resume'>>(verb: Performer<A>): Performer<A> => ({
  needs: verb.needs,
  async run(surroundings, action, signal) {
    if (action.mark !== undefined) await surroundings.driver.machines.mark(action.id, action.mark, action.mark.owner, signal);
    await verb.run(surroundings, action, signal);
  },
});

/** libvirt never gives up the job of a start during which its daemon died: such a machine is Busy for good, until it is cut. */
const cuttingWhatIsStuck = (resume: Performer<Action<'resume'>>): Performer<Action<'resume'>> => ({
  needs: resume.needs,
  async run(surroundings, action, signal) {
    try {
      await resume.run(surroundings, action, signal);
    } catch (reason) {
      if (action.elseCut === undefined || !(reason instanceof DriverError) || reason.code !== 'Busy') throw reason;
      await surroundings.driver.power.cut(action.id, action.elseCut, signal);
    } finally {
      surroundings.view.dirtyMachine(action.id);
    }
  },
});

/** Which seeds were seen to be there, and which machines' are gone. Forgotten with the agent: then they are looked for again. */
class KeptSeeds {
  readonly #kept = new Set<string>();

  has({ want, seed, seedStore }: DesiredMachine): boolean {
    return want !== 'present' ? this.#kept.has(seedStore?.family ?? '') : seed !== undefined && this.#kept.has(seed.nativeName);
  }

  add(name: string): void {
    this.#kept.add(name);
  }

  /** Of a machine that comes back to a host that it has left. */
  delete(family: string): void {
    this.#kept.delete(family);
  }

  /** Whoever has taken one up looks again before the next time. */
  forget(location: string | undefined): void {
    if (location !== undefined) this.#kept.delete(location.slice(location.lastIndexOf('/') + 1));
  }
}

/** A pool that is not there any more keeps nobody's seeds. */
const keeping = (seeds: KeptSeeds): Pick<Performers<MachineAction>, 'seed' | 'unseed'> => ({
  seed: {
    needs: 'volumes',
    async run({ driver, view }, { poolUuid, seed }, signal) {
      const pool = view.pool(poolUuid);
      if (pool === undefined || driver.volumes === undefined) throw new DriverError('NotFound', 'the system pool is not on the host');
      seeds.delete(seed.family);
      await keepSeed(driver.volumes, pool.id, seed, signal);
      seeds.add(seed.nativeName);
    },
  },
  unseed: {
    needs: 'volumes',
    async run({ driver, view }, { poolUuid, family }, signal) {
      const pool = view.pool(poolUuid);
      if (pool !== undefined && driver.volumes !== undefined) await removeSeeds(driver.volumes, pool.id, family, signal);
      seeds.add(family);
    },
  },
});

const define = on('machines', (machines, { definition, mark }: Action<'define'>, signal) => machines.define(definition, mark, signal));

/** What is carried comes with the definition, unless the machine runs: then it is not there yet. */
const defining = (seeds: KeptSeeds): Performer<Action<'define'>> => ({
  needs: define.needs,
  async run(surroundings, action, signal) {
    const { seed, uuid } = action.definition;
    seeds.forget(seed?.location);
    const isOff = (surroundings.view.machineByUuid(uuid)?.power.state ?? 'Off') === 'Off';
    await define.run(surroundings, action, signal);
    if (seed?.content !== undefined && isOff) seeds.add(seed.location);
  },
});

const performersWith = (locks: Locks, seeds: KeptSeeds, heard: Heard): Performers<MachineAction> => ({
  ...keeping(seeds),
  define: defining(seeds),
  apply: applying(locks, heard),
  takeOver: on('machines', (machines, { id, mark, from }: Action<'takeOver'>, signal) => machines.mark(id, mark, from, signal)),
  adopt: on('adoption', (adoption, { id, mark }: Action<'adopt'>, signal) => adoption.adopt(id, mark, signal)),
  release: on('adoption', (adoption, { id, owner }: Action<'release'>, signal) => adoption.release(id, owner, signal)),
  note: on('machines', (machines, { id, mark }: Action<'note'>, signal) => machines.mark(id, mark, mark.owner, signal)),
  start: starting(locks, seeds),
  press: marking(
    on('power', async (power, { id, owner, resume }: Action<'press'>, signal) => {
      if (resume) await power.resume(id, signal);
      await power.press(id, owner, signal);
    }),
  ),
  cut: marking(on('power', (power, { id, owner }: Action<'cut'>, signal) => power.cut(id, owner, signal))),
  save: {
    needs: 'power',
    async run({ driver, view }, { id, owner, record }, signal) {
      try {
        await driver.power.save(id, owner, signal);
      } catch (reason) {
        // Each try holds the guest up: what the host has said no to is not tried for ever.
        if (!isAnswer(reason) || reason.code === 'Busy') throw reason;
        const failed = withOutcome(record, { outcome: 'Failed', message: recordable(reason.message) });
        await driver.machines.mark(id, marked({ owner }, failed), owner, signal);
      } finally {
        view.dirtyMachine(id);
      }
    },
  },
  pause: marking(on('power', (power, { id }: Action<'pause'>, signal) => power.pause(id, signal))),
  resume: cuttingWhatIsStuck(marking(on('power', (power, { id }: Action<'resume'>, signal) => power.resume(id, signal)))),
  reset: {
    needs: 'power',
    async run({ driver, view }, { id, owner, mark, record }, signal) {
      const noted = (outcome: Partial<ActionRecord>) => marked({ owner }, withOutcome(record, outcome));
      try {
        await driver.machines.mark(id, mark, owner, signal);
        await driver.power.reset(id, owner, signal);
        await driver.machines.mark(id, noted({ outcome: 'Succeeded' }), owner, signal);
      } catch (reason) {
        if (!isAnswer(reason)) throw reason;
        await driver.machines.mark(id, noted({ outcome: 'Failed', message: recordable(reason.message) }), owner, signal);
      } finally {
        view.dirtyMachine(id);
      }
    },
  },
  leave: on('machines', (machines, { id, owner }: Action<'leave'>, signal) => machines.undefine(id, owner, { keepState: true }, signal)),
  recreate: on('machines', (machines, { id, owner }: Action<'recreate'>, signal) =>
    machines.undefine(id, owner, { keepState: true }, signal),
  ),
  undefine: on('machines', (machines, { id, owner, keepState }: Action<'undefine'>, signal) =>
    machines.undefine(id, owner, { keepState }, signal),
  ),
});

export const virtualMachineKind = (host: HostScope, stores: MachineStores & Pick<Stores, 'machines'>, locks: Locks): MachineKind => {
  const seeds = new KeptSeeds();
  const heard = new Heard();
  return {
    performers: performersWith(locks, seeds, heard),
    resolve: (machine) => resolveMachine(machine, host, stores),
    looksAt: () => ({ machines: true }),
    observe(desired, view) {
      const observed = observeMachine(desired, view, remembered(desired, stores));
      const { machine, record } = observed;
      return { ...observed, seedKept: seeds.has(desired), ...(machine && { heard: heard.of(machine.id, record) }) };
    },
    plan: planMachine,
    report: reportMachine,
  };
};

const withOutcome = (record: MachineRecord, outcome: Partial<ActionRecord>): MachineRecord =>
  record.action === undefined ? record : { ...record, action: { ...record.action, ...outcome } };

function remembered({ owner }: DesiredMachine, { machines }: Pick<Stores, 'machines'>): MachineRecord {
  return rememberedRecord(machines.get(`${owner.namespace}/${owner.name}`)?.status);
}

/** By uuid, then by mark, then by native name; ours only if the mark says so. */
export function observeMachine({ owner, definition }: DesiredMachine, view: HostView, remembered: MachineRecord): ObservedMachine {
  const candidates = [view.machineByUuid(definition.uuid), view.machineByOwner(owner), view.machineByName(definition.nativeName)];
  const found = candidates.filter((machine) => machine !== undefined);
  const machine = found.find((one) => isOurs(one, owner));
  const guest = machine === undefined ? undefined : view.guest(machine.id);
  if (machine !== undefined)
    return { machine, record: decodeRecord(machine.mark?.record ?? ''), ...(guest === undefined ? {} : { guest }) };
  const stranger = found[0];
  return stranger === undefined ? { record: remembered } : { stranger, record: remembered };
}

const isOurs = ({ mark }: Machine, owner: OwnerMark): boolean =>
  mark?.owner.uid === owner.uid &&
  mark.owner.cluster === owner.cluster &&
  mark.owner.namespace === owner.namespace &&
  mark.owner.name === owner.name;
