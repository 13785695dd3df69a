import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { buildPeer } from './build.js';

/** What a tool that waits for objects thinks of one. */
export interface Verdict {
  /** Of kstatus, by which Flux and kpt wait. */
  readonly status: 'InProgress' | 'Current' | 'Failed' | 'Terminating' | 'NotFound' | 'Unknown';
  readonly message: string;
  /** Of Argo CD, where it was given a script for the kind. */
  readonly health?: { readonly status: 'Progressing' | 'Healthy' | 'Degraded' | 'Suspended'; readonly message: string };
}

/** A verdict on each of the objects. `scripts` are Lua, by kind. */
export type Judge = (objects: readonly object[], scripts?: Readonly<Record<string, string>>) => Promise<readonly Verdict[]>;

/** kstatus's own library, and the Lua that Argo CD runs. Rejects with AssetsMissing where they cannot be built. */
export async function buildJudge(): Promise<Judge> {
  const program = join(await buildPeer('gitops'), 'judge');
  return async (objects, scripts = {}) => {
    const child = spawn(program, { stdio: 'pipe' });
    child.stdin.end(JSON.stringify({ objects, scripts }));
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    if (code !== 0) throw new Error(`judge: ${stderr}`);
    return JSON.parse(stdout) as readonly Verdict[];
  };
}
