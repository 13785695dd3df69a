import type { Command } from './command.js';
import { consoleCommand } from './session/console.js';
import { uploadCommand } from './session/upload.js';
import { versionCommand } from './version.js';

/** What is asked of an API server by hand. */
export const userCommands: readonly Command[] = [consoleCommand, uploadCommand, versionCommand];
