import { now } from '../apply-to-ready/measure.js';
import { run } from '../apply-to-ready/run.js';
import { type Contender, type Load, measured } from './contender.js';

/**
 * libvirt's shell, which looks a machine up before it asks for its state: two calls where the others make one. Its start is a part of what
 * it takes, as where it is used in scripts: of many calls together, and of each list.
 */
export function virsh(uri: string, machine: string, { calls }: Load): Contender {
  const ask = (args: readonly string[], input = '') => timed(() => run('virsh', ['--quiet', '--connect', uri, ...args], input));
  return {
    name: 'virsh, one shell',
    async round() {
      const all = await ask([], `${`domstate ${machine}\n`.repeat(calls)}quit\n`);
      return {
        [measured.latency]: (all / calls) * 1e6,
        [measured.list]: (await ask(['list', '--all', '--name'])) * 1e3,
        [measured.stats]: (await ask(['domstats', '--state'])) * 1e3,
      };
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

/** In seconds. */
async function timed(act: () => Promise<unknown>): Promise<number> {
  const begun = now();
  await act();
  return now() - begun;
}
