import { userCommands } from '#cli/commands.js';
import { reference } from '#cli/reference.js';
import { operatorCommands } from '#controllers/operator-commands.js';
import { noCredentials } from '#drivers/target.js';

/** Where it stands, seen from `dist/test/command-line/`. */
export const pageFile = new URL('../../../docs/command-line.md', import.meta.url);

/** None of the commands is run. */
const drivers = { connect: () => Promise.reject(new Error('no host is reached from here')), credentialKeys: () => noCredentials };

export const commands = [...userCommands, ...operatorCommands(drivers)];
export const page = (): string => reference(commands);
