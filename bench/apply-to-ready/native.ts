import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Contender, Round } from './measure.js';
import { run } from './run.js';
import { script, Watch } from './watch.js';

/** libvirt's own client, with the definitions of the folder: the same bytes that the host has from the other contender. */
export function native(connect: string, definitions: string, threads: number): Contender {
  return {
    name: `native, ${threads} thread${threads === 1 ? '' : 's'}`,
    async round(): Promise<Round> {
      const files = (await readdir(definitions)).filter((name) => name.endsWith('.xml')).map((name) => join(definitions, name));
      await using watch = await Watch.begin(connect, files.length);
      try {
        const told = JSON.parse(await run(script('native.py'), ['start', '--connect', connect, '--threads', `${threads}`, ...files]));
        const begun: number = told.begun;
        const machines = (await watch.all()).map((seen) => ({ uuid: seen.uuid, started: seen.started - begun, ready: seen.ready - begun }));
        return { wall: Math.max(...machines.map(({ ready }) => ready)), machines, counts: {} };
      } finally {
        await run(script('native.py'), ['remove', '--connect', connect, '--threads', '8', ...files]);
      }
    },
  };
}
