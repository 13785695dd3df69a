import type { Command } from '#cli/command.js';
import { userCommands } from '#cli/commands.js';
import type { RehearsedDrivers } from '#drivers/target.js';
import { planCommands, withHost } from './host-commands.js';
import { operatorCommands } from './operator-commands.js';

/** All of the program, in the order it is listed. */
export function allCommands(drivers: RehearsedDrivers): readonly Command[] {
  const users = userCommands.flatMap((one) => (one.name === 'apply' ? [withHost(one, drivers), ...planCommands(drivers)] : [one]));
  return [...users, ...operatorCommands(drivers)];
}
