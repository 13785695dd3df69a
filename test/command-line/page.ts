import { reference } from '#cli/reference.js';
import { allCommands } from '#controllers/all-commands.js';
import { type Connect, noCredentials } from '#drivers/target.js';

/** Where it stands, seen from `dist/test/command-line/`. */
export const pageFile = new URL('../../../docs/command-line.md', import.meta.url);

/** None of the commands is run. */
const drivers = {
  connect: () => Promise.reject(new Error('no host is reached from here')),
  credentialKeys: () => noCredentials,
  rehearsing: (connect: Connect) => connect,
};

export const commands = allCommands(drivers);
export const page = (): string => reference(commands);
