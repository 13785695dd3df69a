import { type Client, createClient } from '#controllers/kubernetes/client.js';
import { command } from '../command.js';
import { connectionFor } from '../connect.js';
import { openLine } from './client.js';
import { machineIn, type OfMachine, openSession } from './session.js';
import { attach, type Terminal } from './terminal.js';

export interface ConsoleOf extends OfMachine {
  /** Only what is printed from now on. */
  readonly omitsHistory?: boolean;
}

/** The serial console of a machine, on this terminal. */
export async function runConsole(
  client: Client,
  { namespace, machine, omitsHistory }: ConsoleOf,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  await using session = await openSession(client, { namespace, machine, purpose: 'Console' }, signal);
  const line = await openLine(session.way, new URLSearchParams(omitsHistory === true ? { history: 'omit' } : {}), signal);
  if (terminal.stderr.isTTY) terminal.stderr.write(`Connected to ${machine}. Ctrl-] leaves.\r\n`);
  await attach(terminal, line, signal);
  if (terminal.stderr.isTTY) terminal.stderr.write('\r\n');
}

export const consoleCommand = command({
  name: 'console',
  group: 'machines',
  words: ['virtualmachines'],
  summary: "talk to a machine's serial console",
  usage: ['MACHINE'],
  description: [
    'Goes through the agent of its host: it takes the right to make Sessions, and that the agent is reached from here. Who opens a console takes it over from whoever had it.',
    'Begins with what was printed since the machine started, where its host has a system pool to keep that in and the machine was started since.',
    'Ctrl-] leaves. Without a terminal it ends with its input. It ends when the machine stops, too.',
  ],
  flags: { 'no-history': { kind: 'switch', help: 'only what is printed from now on' } },
  examples: [
    { line: 'console web', what: 'the serial console of machine web' },
    { line: 'console web --no-history', what: 'without what was printed before' },
  ],
  async run({ flags, args, io }, signal) {
    const machine = machineIn(args);
    const connection = await connectionFor(flags);
    await using client = createClient(connection);
    await runConsole(client, { namespace: connection.namespace, machine, omitsHistory: flags['no-history'] }, io, signal);
    return 0;
  },
});
