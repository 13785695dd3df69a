#!/usr/bin/env node
import { setMaxListeners } from 'node:events';
import { basename } from 'node:path';
import { userCommands } from '#cli/commands.js';
import { runProgram } from '#cli/program.js';
import { connect, credentialKeys } from '#drivers/connect.js';
import { operatorCommands } from './operator-commands.js';

// Thousands of waits hang on one signal here, and all end with it: that is no leak.
setMaxListeners(0);

const stop = new AbortController();
let interrupted = 130;
process.once('SIGINT', () => stop.abort());
process.once('SIGTERM', () => {
  interrupted = 143;
  stop.abort();
});

// Who closes a pipe has read what he wanted.
process.stdout.on('error', (reason: NodeJS.ErrnoException) => process.exit(reason.code === 'EPIPE' ? 0 : 1));

const { stdin, stdout, stderr, env, argv } = process;
const commands = [...userCommands, ...operatorCommands({ connect, credentialKeys })];
const name = basename(argv[1] ?? '') === 'kubectl-virtwright' ? 'kubectl virtwright' : 'virtwright';
const code = await runProgram({ name, commands, io: { stdin, stdout, stderr, env } }, argv.slice(2), stop.signal);
process.exit(code === 130 ? interrupted : code);
