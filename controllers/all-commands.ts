import type { Command } from '#cli/command.js';
import { userCommands } from '#cli/commands.js';
import { type Accepts, explainCommand } from '#cli/explain/command.js';
import type { RehearsedDrivers } from '#drivers/target.js';
import { planCommands, withHost } from './host-commands.js';
import { operatorCommands } from './operator-commands.js';

/** Loaded when it is called: it weighs more than all else that explains. */
const accepting: Accepts = async (...asked) => (await import('./accepts.js')).accepts(...asked);

/** All of the program, in the order it is listed. */
export function allCommands(drivers: RehearsedDrivers): readonly Command[] {
  const users = userCommands.flatMap((one) => {
    if (one.name === 'apply') return [withHost(one, drivers), ...planCommands(drivers)];
    return one.name === 'describe' ? [one, explainCommand(accepting)] : [one];
  });
  return [...users, ...operatorCommands(drivers)];
}
