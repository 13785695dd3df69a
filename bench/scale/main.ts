import { mkdir } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { startApiServer } from '#test/cluster/api-server.js';
import { installCrds } from './install.js';
import { live, type Size } from './life.js';
import { report } from './report.js';
import { sizes } from './sizes.js';

/**
 * The whole life of many machines on many fake hosts: one controller and some agents, each a process, against a real kube-apiserver with etcd that
 * answers when a write is on disk. Prints tables for people, and one JSON line for programs.
 */
const { values: options } = parseArgs({
  options: {
    size: { type: 'string', default: process.env['SCALE'] || 'usual' },
    machines: { type: 'string' },
    hosts: { type: 'string' },
    agents: { type: 'string' },
    rate: { type: 'string' },
    idle: { type: 'string' },
    /** A folder for profiles of V8, one of each process. */
    profiles: { type: 'string' },
  },
});

const named = Object.entries<Size>(sizes).find(([name]) => name === options.size)?.[1];
if (named === undefined) throw new Error(`size "${options.size}" given; there are ${Object.keys(sizes).join(', ')}`);
const size: Size = {
  ...named,
  ...number('machines', options.machines),
  ...number('hosts', options.hosts),
  ...number('agents', options.agents),
  ...number('perSecond', options.rate),
  ...number('idleSeconds', options.idle),
};

function number(name: keyof Size, text: string | undefined): Partial<Size> {
  return text === undefined ? {} : { [name]: Number(text) };
}

if (options.profiles !== undefined) await mkdir(options.profiles, { recursive: true });
await using server = await startApiServer({ kind: 'kube-apiserver', durable: true });
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    void server.stop().then(() => process.exit(1));
  });
await installCrds(server);
console.error(JSON.stringify(size));
const parts = await live({
  server,
  size,
  ...(options.profiles === undefined ? {} : { profiles: options.profiles }),
  say: (text) => console.error(text),
});
report(size, parts);
