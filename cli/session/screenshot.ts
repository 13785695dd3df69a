import { writeFile } from 'node:fs/promises';
import { type Client, createClient } from '#controllers/kubernetes/client.js';
import type { Picture } from '#controllers/session/wire.js';
import { command } from '../command.js';
import { Complaint, Failure } from '../complaint.js';
import { connectionFor } from '../connect.js';
import { takePicture } from './client.js';
import { type OfMachine, openSession } from './session.js';

/** What the machine's first screen shows, as PNG. */
export async function runScreenshot(client: Client, { namespace, machine }: OfMachine, signal: AbortSignal): Promise<Picture> {
  await using session = await openSession(client, { namespace, machine, purpose: 'Screenshot' }, signal);
  return await takePicture(session.way, signal);
}

export const screenshotCommand = command({
  name: 'screenshot',
  group: 'machines',
  words: ['virtualmachines'],
  summary: "write what a machine's screen shows to a file",
  usage: ['MACHINE [FILE]'],
  description: ['A PNG. Without a FILE it is MACHINE.png here; - is the standard output.'],
  flags: {},
  examples: [
    { line: 'screenshot web', what: 'web.png' },
    { line: 'screenshot web - | display', what: 'into a viewer' },
  ],
  async run({ flags, args, io }, signal) {
    const [machine, file = `${machine}.png`, ...rest] = args;
    if (machine === undefined || rest.length > 0) throw new Complaint('give the name of a machine, and a file or none');
    const connection = await connectionFor(flags);
    await using client = createClient(connection);
    const { bytes } = await runScreenshot(client, { namespace: connection.namespace, machine }, signal);
    if (file === '-') await new Promise<void>((resolve) => io.stdout.write(bytes, () => resolve()));
    else await writeFile(file, bytes).catch(({ message }: Error) => Promise.reject(new Failure(message)));
    if (file !== '-') io.stdout.write(`${file}\n`);
    return 0;
  },
});
