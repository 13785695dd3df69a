import { defineMachine } from '#simulators/hyperv/model/definitions.js';
import type { Machine } from '#simulators/hyperv/model/machine.js';
import { newSwitch } from '#simulators/hyperv/model/switch.js';
import type { Simulator } from '#simulators/hyperv/simulator.js';
import { MachineObjects } from '#simulators/hyperv/wmi/machine-objects.js';
import { SwitchObjects } from '#simulators/hyperv/wmi/v2/switch-objects.js';
import type { GuestRecipe, Peer } from './subject.js';

const usual = { integration: true, heeds: true, addresses: {}, items: {} };
const theirs = 'theirs: <keep> & "this"';

/** A stranger at a simulated host, who sits at it and needs no network. */
export class HypervPeer {
  readonly #simulator: Simulator;

  constructor(simulator: Simulator) {
    this.#simulator = simulator;
  }

  readonly peer: Peer = {
    destroy: async (uuid) => this.#enter(uuid, 'off'),
    pause: async (uuid) => this.#enter(uuid, 'paused'),
    editMemory: async (uuid, memoryBytes) => {
      const machine = this.#machine(uuid);
      const memory = machine.devices.find(({ className }) => className === 'Msvm_MemorySettingData');
      if (memory === undefined) throw new Error('no memory');
      machine.replaceDevice(memory, { VirtualQuantity: String(memoryBytes / 2 ** 20) });
    },
    decorate: async (uuid) => {
      const machine = this.#machine(uuid);
      const notes = () => [machine.settings['Notes'] ?? []].flat().join();
      const before = [machine.settings['Notes'] ?? []].flat()[0] ?? '';
      const decorated = `${theirs}\n${before}\nand more of theirs`;
      machine.settings = {
        ...machine.settings,
        Notes: this.#simulator.host.words.mode === 'v2' ? [decorated] : decorated,
        AutomaticShutdownAction: '4',
      };
      return async () =>
        notes().startsWith(`${theirs}\n`) && notes().includes('and more of theirs') && machine.settings['AutomaticShutdownAction'] === '4';
    },
    writeTrace: async (uuid) => String(this.#machine(uuid).writes),
    strangersMachine: async ({ uuid, nativeName }) => {
      const values = { ElementName: nativeName, BIOSGUID: `{${uuid.toUpperCase()}}` };
      const { host } = this.#simulator;
      const { id } = await defineMachine(host, { className: 'Msvm_VirtualSystemSettingData', values }, []);
      return async () => void host.machines.delete(id);
    },
    strangersNetwork: async (nativeName) => {
      const { host } = this.#simulator;
      const made = newSwitch({ ElementName: nativeName });
      made.health = '25';
      host.switches.set(made.id, made);
      const tell = (eventClass: string) => host.happens(eventClass, new SwitchObjects(host).switch(made));
      const start = async () => {
        made.health = '5';
        tell('__InstanceModificationEvent');
      };
      const remove = async () => {
        host.switches.delete(made.id);
        tell('__InstanceDeletionEvent');
      };
      return { start, remove };
    },
  };

  readonly hearing: GuestRecipe = { prepare: async (definition) => definition };
  /** Without integration services. */
  readonly deaf: GuestRecipe = this.#guest({ ...usual, integration: false });
  /** With more memory than the host has left: others of the suite run. */
  readonly unstartable: GuestRecipe = {
    prepare: async (definition) => ({ ...definition, memoryBytes: this.#simulator.host.options.memoryBytes }),
  };

  #guest(guest: Machine['guest']): GuestRecipe {
    return {
      prepare: async (definition) => definition,
      ready: async (driver, id) => {
        const [found] = (await driver.machines.read([id], AbortSignal.timeout(30_000))).machines;
        this.#machine(found?.uuid ?? '').guest = guest;
      },
    };
  }

  #enter(uuid: string, state: Machine['state']): void {
    const { host } = this.#simulator;
    const machine = this.#machine(uuid);
    machine.enter(state);
    host.happens('__InstanceModificationEvent', new MachineObjects(host).system(machine));
  }

  #machine(uuid: string): Machine {
    const guid = `{${uuid.toUpperCase()}}`;
    const found = [...this.#simulator.host.machines.values()].find(({ settings }) => settings['BIOSGUID'] === guid);
    if (found === undefined) throw new Error(`no machine ${uuid}`);
    return found;
  }
}
