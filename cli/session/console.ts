import { type Client, createClient } from '#controllers/kubernetes/client.js';
import { command } from '../command.js';
import { connectionFor } from '../connect.js';
import { openLine } from './client.js';
import { machineIn, type OfMachine, openSession } from './session.js';
import { attach, type Terminal } from './terminal.js';

/** The serial console of a machine, on this terminal. */
export async function runConsole(
  client: Client,
  { namespace, machine }: OfMachine,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  await using session = await openSession(client, { namespace, machine, purpose: 'Console' }, signal);
  const line = await openLine(session.way, new URLSearchParams(), signal);
  if (terminal.stderr.isTTY) terminal.stderr.write(`Connected to ${machine}. Ctrl-] leaves.\r\n`);
  await attach(terminal, line, signal);
  if (terminal.stderr.isTTY) terminal.stderr.write('\r\n');
}

export const consoleCommand = command({
  name: 'console',
  group: 'machines',
  summary: "talk to a machine's serial console",
  usage: ['MACHINE'],
  description: [
    'Goes through the agent of its host: it takes the right to make Sessions, and that the agent is reached from here. Who opens a console takes it over from whoever had it.',
    'Ctrl-] leaves. Without a terminal it ends with its input. It ends when the machine stops, too.',
  ],
  flags: {},
  examples: [{ line: 'console web', what: 'the serial console of machine web' }],
  async run({ flags, args, io }, signal) {
    const machine = machineIn(args);
    const connection = await connectionFor(flags);
    await using client = createClient(connection);
    await runConsole(client, { namespace: connection.namespace, machine }, io, signal);
    return 0;
  },
});
