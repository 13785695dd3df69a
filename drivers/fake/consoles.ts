import { onAbort } from '#drivers/deadline.js';
import type { Console, Consoles, MachineId } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { toPng } from '#drivers/png.js';
import type { Clock } from './clock.js';
import type { Connection } from './connection.js';
import type { FakeHost } from './host.js';
import type { FakeMachine } from './machine.js';
import { mustRun } from './machines.js';
import { Queue } from './queue.js';
import { VncServer } from './vnc.js';

type Host = FakeHost<Clock>;

const newline = 10;

function mustHaveConsole(host: Host, id: MachineId): FakeMachine {
  const machine = mustRun(host, id);
  if (machine.live?.serial !== true)
    throw new DriverError('Invalid', `machine "${machine.nativeName}" has no serial console; give it devices.serial`);
  return machine;
}

/** A guest that repeats what it is told, as a terminal does, while it runs; and answers a line if it is one that does. */
function echo(machine: FakeMachine, output: Queue<Uint8Array>, bytes: Uint8Array): void {
  if (output.ended) throw new DriverError('Conflict', `the console of "${machine.nativeName}" has ended`);
  if (machine.power.state !== 'On') return;
  machine.serial.print(bytes);
  if (machine.guest.answers === true && bytes.includes(newline)) machine.serial.print(machine.banner);
}

function mustHaveGraphics(host: Host, id: MachineId): FakeMachine {
  const machine = mustRun(host, id);
  if (machine.live?.graphics === undefined)
    throw new DriverError('Invalid', `machine "${machine.nativeName}" has no screen; give it devices.graphics`);
  return machine;
}

/** Two by two pixels: red and green above, blue and white below. */
const screen = { width: 2, height: 2, rgb: Uint8Array.from([255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255]) };

export function consolesOf(host: Host, connection: Connection): Consoles {
  const ask = <T>(verb: keyof Consoles, id: MachineId, signal: AbortSignal, act: () => T | Promise<T>): Promise<T> => {
    const machine = host.machines.get(id);
    return connection.ask({ verb: `consoles.${verb}`, of: machine?.nativeName ?? id, machine }, signal, act);
  };
  const consoleOf = (output: Queue<Uint8Array>, hear: (bytes: Uint8Array) => void, close: () => void): Console => {
    const stop = onAbort(connection.ended, () => output.end());
    return {
      output,
      write: (bytes, signal) => connection.until(signal, async () => hear(bytes)),
      [Symbol.asyncDispose]: async () => {
        stop();
        close();
      },
    };
  };
  const serialOf = (machine: FakeMachine): Console => {
    const output = machine.serial.open();
    return consoleOf(
      output,
      (bytes) => echo(machine, output, bytes),
      () => output.end(),
    );
  };
  const viewerOf = (machine: FakeMachine): Console => {
    const output = new Queue<Uint8Array>();
    const server = new VncServer(output, machine.nativeName, () => machine.live?.graphics?.password);
    machine.viewers.add(output);
    return consoleOf(
      output,
      (bytes) => server.hear(bytes),
      () => {
        machine.viewers.delete(output);
        output.end();
      },
    );
  };
  return {
    open: (id, signal) => ask('open', id, signal, () => serialOf(mustHaveConsole(host, id))),
    graphics: (id, signal) => ask('graphics', id, signal, () => viewerOf(mustHaveGraphics(host, id))),
    screenshot: (id, signal) =>
      ask('screenshot', id, signal, () => {
        mustHaveGraphics(host, id);
        return toPng(screen);
      }),
  };
}
