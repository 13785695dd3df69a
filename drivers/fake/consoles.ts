import type { Console, Consoles, MachineId } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Clock } from './clock.js';
import type { Connection } from './connection.js';
import type { FakeHost } from './host.js';
import type { FakeMachine } from './machine.js';
import { noMachine } from './machines.js';
import type { Queue } from './queue.js';

type Host = FakeHost<Clock>;

function mustHaveConsole(host: Host, id: MachineId): FakeMachine {
  const machine = host.machines.get(id);
  if (machine === undefined) throw noMachine(id);
  if (machine.isOff) throw new DriverError('Conflict', `machine "${machine.nativeName}" is Off`);
  if (machine.live?.serial !== true)
    throw new DriverError('Invalid', `machine "${machine.nativeName}" has no serial console; give it devices.serial`);
  return machine;
}

/** A guest that repeats what it is told, as a terminal does, while it runs. */
function echo(machine: FakeMachine, output: Queue<Uint8Array>, bytes: Uint8Array): void {
  if (output.ended) throw new DriverError('Conflict', `the console of "${machine.nativeName}" has ended`);
  if (machine.power.state === 'On') machine.serial.print(bytes);
}

export function consolesOf(host: Host, connection: Connection): Consoles {
  const openOf = (machine: FakeMachine): Console => {
    const output = machine.serial.open();
    connection.ended.addEventListener('abort', () => output.end());
    return {
      output,
      write: (bytes, signal) => connection.until(signal, async () => echo(machine, output, bytes)),
      [Symbol.asyncDispose]: async () => output.end(),
    };
  };
  return {
    open: (id, signal) => {
      const machine = host.machines.get(id);
      return connection.ask({ verb: 'consoles.open', of: machine?.nativeName ?? id, machine }, signal, () =>
        openOf(mustHaveConsole(host, id)),
      );
    },
  };
}
