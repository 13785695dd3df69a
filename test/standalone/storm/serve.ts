import { startStandalone } from '#standalone/server.js';

/** The server alone, for who kills it: `node serve.js FOLDER` prints its address once it answers. */
const server = await startStandalone({ folder: process.argv[2] ?? '', port: 0 });
process.stdout.write(`${server.url}\n`);
