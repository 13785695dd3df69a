import { applyCommand } from './apply.js';
import type { Command } from './command.js';
import { getCommand } from './get.js';
import { consoleCommand } from './session/console.js';
import { uploadCommand } from './session/upload.js';
import { versionCommand } from './version.js';
import { waitCommand } from './wait.js';

/** What is asked of an API server by hand, in the order it is listed. */
export const userCommands: readonly Command[] = [getCommand, applyCommand, waitCommand, consoleCommand, uploadCommand, versionCommand];
