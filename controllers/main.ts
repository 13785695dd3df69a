#!/usr/bin/env node
import { setMaxListeners } from 'node:events';
import { basename } from 'node:path';
import { completeCommand } from '#cli/completion/commands.js';
import { runProgram } from '#cli/program.js';
import { connect, credentialKeys, rehearse, rehearsing } from '#drivers/connect.js';
import { allCommands } from './all-commands.js';

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
const listed = allCommands({ connect, credentialKeys, rehearse, rehearsing });
const commands = [...listed, completeCommand(listed)];
// As a plugin, kubectl calls it by names of its own.
const called = basename(argv[1] ?? '');
const name = called === 'kubectl-virtwright' ? 'kubectl virtwright' : 'virtwright';
const words = [...(called === 'kubectl_complete-virtwright' ? ['__complete'] : []), ...argv.slice(2)];
const code = await runProgram({ name, commands, io: { stdin, stdout, stderr, env } }, words, stop.signal);
process.exit(code === 130 ? interrupted : code);
