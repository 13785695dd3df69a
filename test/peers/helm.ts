import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { buildPeer } from './build.js';

/** Seen from `dist/test/peers/`. */
export const chart = fileURLToPath(new URL('../../../charts/virtwright', import.meta.url));

export interface Helm {
  /** What it prints; rejects with what it complains of. */
  run(...args: readonly string[]): Promise<string>;
  /** What it complains of; rejects when it does not. */
  refused(...args: readonly string[]): Promise<string>;
}

/** Real Helm, with nothing of the user's: its own settings are in the folder. Rejects with AssetsMissing where it cannot be built. */
export async function startHelm(folder: string, kubeconfig?: string): Promise<Helm> {
  const program = join(await buildPeer('helm'), 'helm');
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    HELM_NO_PLUGINS: '1',
    ...(kubeconfig === undefined ? {} : { KUBECONFIG: kubeconfig }),
  };
  const tried = async (args: readonly string[]) => {
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    return { stdout, stderr, succeeded: code === 0 };
  };
  return {
    async run(...args) {
      const { stdout, stderr, succeeded } = await tried(args);
      if (!succeeded) throw new Error(`helm ${args.join(' ')}: ${stderr}${stdout}`);
      return stdout;
    },
    async refused(...args) {
      const { stdout, stderr, succeeded } = await tried(args);
      if (succeeded) throw new Error(`helm ${args.join(' ')} was not refused: ${stdout}`);
      return stderr;
    },
  };
}
