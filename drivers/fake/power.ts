import type { MachineId, OwnerMark, Power } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Clock } from './clock.js';
import type { Connection } from './connection.js';
import type { FakeHost } from './host.js';
import type { FakeMachine } from './machine.js';
import { mustBelongTo, noMachine } from './machines.js';

type Host = FakeHost<Clock>;

const mustNotBeOff = ({ isOff, nativeName }: FakeMachine): void => {
  if (isOff) throw new DriverError('Conflict', `machine "${nativeName}" is Off`);
};

/** A verb that a host says it has, or has not. */
const mustKnow = ({ capabilities }: Host, verb: 'pause' | 'reset' | 'save'): void => {
  if (capabilities.some(({ field }) => field === `power.${verb}`)) return;
  throw new DriverError('Unsupported', `power.${verb}: this fake host does not know it`);
};

function start(host: Host, machine: FakeMachine, options: { readonly paused: boolean }): void {
  if (!machine.isOff) return;
  if (options.paused && !host.capabilities.some(({ field }) => field === 'power.startPaused'))
    throw new DriverError('Unsupported', `machine "${machine.nativeName}": this fake host starts none paused`);
  host.mustHaveDisksOf(machine);
  host.mustHaveNetworksOf(machine);
  machine.start(options);
}

export function powerOf(host: Host, connection: Connection): Power {
  const ask = (verb: keyof Power, id: MachineId, signal: AbortSignal, act: (machine: FakeMachine) => void): Promise<void> => {
    const machine = host.machines.get(id);
    return connection.ask({ verb: `power.${verb}`, of: machine?.nativeName ?? id, machine }, signal, () => {
      // A slow call finds the host as it is when its turn has come.
      const now = host.machines.get(id);
      if (now === undefined) throw noMachine(id);
      act(now);
    });
  };
  const askOwned = (verb: keyof Power, id: MachineId, owner: OwnerMark, signal: AbortSignal, act: (machine: FakeMachine) => void) =>
    ask(verb, id, signal, (machine) => {
      mustBelongTo(machine, owner);
      act(machine);
    });
  return {
    start: (id, options, signal) => ask('start', id, signal, (machine) => start(host, machine, options)),
    press: (id, owner, signal) => askOwned('press', id, owner, signal, (machine) => machine.press()),
    cut: (id, owner, signal) => askOwned('cut', id, owner, signal, (machine) => machine.cut()),
    reset: (id, owner, signal) =>
      askOwned('reset', id, owner, signal, (machine) => {
        mustKnow(host, 'reset');
        mustNotBeOff(machine);
        machine.reset();
      }),
    save: (id, owner, signal) =>
      askOwned('save', id, owner, signal, (machine) => {
        mustKnow(host, 'save');
        machine.save();
      }),
    pause: (id, signal) =>
      ask('pause', id, signal, (machine) => {
        mustKnow(host, 'pause');
        mustNotBeOff(machine);
        machine.pause();
      }),
    resume: (id, signal) =>
      ask('resume', id, signal, (machine) => {
        mustNotBeOff(machine);
        machine.resume();
      }),
  };
}
