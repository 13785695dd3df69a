import { codes, Refusal } from '../cim/codes.js';
import type { CimObject } from '../cim/object.js';
import { mergeLater } from './checkpoint-files.js';
import { fileOf, imagesOf, userOf } from './files.js';
import type { Host } from './host.js';
import type { Job } from './jobs.js';
import type { Machine } from './machine.js';
import type { State, Transition, Verb } from './words.js';

interface Change {
  readonly from: readonly State[];
  readonly to: State;
  readonly through: Transition;
  /** The job's. */
  readonly type: number;
}

/** A guest writes at once: none runs on a disk that cannot grow. */
export const isOutOfRoom = ({ options }: Host, machine: Machine): boolean => options.store.isFull && imagesOf(machine).length > 0;

const changes: Readonly<Record<Verb, Change>> = {
  start: { from: ['off', 'saved'], to: 'running', through: 'starting', type: 12 },
  off: { from: ['running', 'paused', 'saved'], to: 'off', through: 'stopping', type: 13 },
  save: { from: ['running', 'paused'], to: 'saved', through: 'saving', type: 14 },
  pause: { from: ['running'], to: 'paused', through: 'pausing', type: 26 },
  reset: { from: ['running'], to: 'running', through: 'starting', type: 28 },
  reboot: { from: ['running'], to: 'running', through: 'starting', type: 29 },
};
const resume: Change = { from: ['paused'], to: 'running', through: 'resuming', type: 27 };

/** Changes states, as jobs that take their time. `shown` is a machine as WMI shows it, for events. */
export class Power {
  readonly #host: Host;
  readonly #shown: (machine: Machine) => CimObject;

  constructor(host: Host, shown: (machine: Machine) => CimObject) {
    this.#host = host;
    this.#shown = shown;
  }

  /** @throws Refusal when its state has no room for that */
  request(machine: Machine, verb: Verb): Job {
    const change = verb === 'start' && machine.state === 'paused' ? resume : changes[verb];
    if (machine.transition !== undefined || !change.from.includes(machine.state))
      throw new Refusal(codes.invalidState, `'${machine.name}' cannot do that in its current state.`);
    if (verb === 'reboot') this.#mustHear(machine);
    return this.#change(machine, change, `${machine.name}: ${verb}`);
  }

  /** By the integration services of the guest, which may not be there, or not heed. */
  shutDown(machine: Machine, then: 'off' | 'running'): Job {
    if (machine.state !== 'running' || machine.transition !== undefined)
      throw new Refusal(codes.invalidState, `'${machine.name}' cannot be shut down in its current state.`);
    this.#mustHear(machine);
    if (!machine.guest.heeds) return this.#host.jobs.start('Shutting Down', 'Msvm_ConcreteJob', () => {});
    return this.#change(machine, { from: ['running'], to: then, through: 'stopping', type: 16 }, `${machine.name}: shut down`);
  }

  #mustHear(machine: Machine): void {
    if (!machine.guest.integration) throw new Refusal(codes.notReady, 'The device is not ready.');
  }

  #change(machine: Machine, change: Change, name: string): Job {
    machine.transition = change.through;
    machine.changedAt = Date.now();
    this.#tell(machine);
    const held = this.#host.troubles.take('RequestStateChange', 'hold');
    const act = async () => {
      try {
        await held?.until;
        this.#meetTrouble();
        if (change.to === 'running' && machine.state === 'off') await this.#startable(machine);
        this.#arrive(machine, change.to);
      } finally {
        machine.transition = undefined;
        this.#tell(machine);
      }
    };
    return this.#host.jobs.start(name, 'Msvm_ConcreteJob', act, { type: change.type, affects: machine.id });
  }

  #arrive(machine: Machine, state: State): void {
    if (state === 'running' && machine.state !== 'paused') this.#boot(machine);
    if (state === 'off' || state === 'saved') machine.processId = undefined;
    machine.enter(state);
    if (state === 'running' && isOutOfRoom(this.#host, machine)) machine.starve();
    mergeLater(this.#host, machine);
  }

  #boot(machine: Machine): void {
    machine.processId = 1000 + Math.floor(Math.random() * 60_000) * 4;
    for (const card of machine.devices.filter(({ values }) => values['ResourceType'] === machine.words.types.card))
      if (!/[1-9A-F]/i.test(String(card.values['Address'] ?? ''))) machine.replaceDevice(card, { Address: this.#host.newMac() });
  }

  #meetTrouble(): void {
    const trouble = this.#host.troubles.take('RequestStateChange', 'job');
    if (trouble !== undefined) throw new Refusal(trouble.code, trouble.message);
  }

  async #startable(machine: Machine): Promise<void> {
    const memory = machine.number('Msvm_MemorySettingData', 'VirtualQuantity') * 2 ** 20;
    if (memory > this.#host.freeMemory)
      throw new Refusal(codes.outOfMemory, `Not enough memory in the system to start the virtual machine ${machine.name}.`);
    for (const image of imagesOf(machine)) {
      const file = fileOf(machine, image);
      if (!(await this.#host.options.store.exists(file)))
        throw new Refusal(codes.fileNotFound, `The system cannot find the file specified: '${file}'.`);
      if (/\.vhdx?$/i.test(file) && userOf(this.#host, file, machine) !== undefined)
        throw new Refusal(codes.inUse, `The process cannot access the file '${file}' because it is being used by another process.`);
    }
  }

  #tell(machine: Machine): void {
    this.#host.happens('__InstanceModificationEvent', this.#shown(machine));
  }
}
