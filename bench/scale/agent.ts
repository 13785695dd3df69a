import { setMaxListeners } from 'node:events';
import { runProgram } from '#cli/program.js';
import { operatorCommands } from '#controllers/operator-commands.js';
import { type Connect, noCredentials } from '#drivers/target.js';
import { connectRemote } from './remote.js';

/** The program with one more thing: its fake hosts are in the process that listens at $SCALE_HOSTS, and outlive this one. */
setMaxListeners(0);
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());

const connect: Connect = ({ uri }, signal) => connectRemote(process.env['SCALE_HOSTS'] ?? '', uri, signal);
const { stdin, stdout, stderr, env, argv } = process;
const commands = operatorCommands({ connect, credentialKeys: () => noCredentials });
process.exit(await runProgram({ name: 'virtwright', commands, io: { stdin, stdout, stderr, env } }, argv.slice(2), stop.signal));
