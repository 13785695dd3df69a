import { applyCommand } from './apply.js';
import type { Command } from './command.js';
import { completionCommand } from './completion/commands.js';
import { deleteCommand } from './delete.js';
import { describeCommand } from './describe/command.js';
import { eventsCommand } from './events.js';
import { getCommand } from './get.js';
import { powerCommands } from './power.js';
import { releaseCommand } from './release.js';
import { consoleCommand } from './session/console.js';
import { screenshotCommand } from './session/screenshot.js';
import { uploadCommand } from './session/upload.js';
import { vncCommand } from './session/vnc.js';
import { versionCommand } from './version.js';
import { waitCommand } from './wait.js';

/** What is asked of an API server by hand, in the order it is listed. */
export const userCommands: readonly Command[] = [
  getCommand,
  describeCommand,
  applyCommand,
  deleteCommand,
  waitCommand,
  eventsCommand,
  ...powerCommands,
  releaseCommand,
  consoleCommand,
  vncCommand,
  screenshotCommand,
  uploadCommand,
  completionCommand,
  versionCommand,
];
