import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

/** Seen from `dist/test/cluster/`. */
export const program = fileURLToPath(new URL('../../controllers/main.js', import.meta.url));

export interface Ran {
  readonly out: string;
  readonly err: string;
  readonly code: number | null;
}

export interface Asked {
  readonly kubeconfig: string;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The built program as a user calls it. */
export function startProgram({ kubeconfig, input = '', env = {} }: Asked, ...argv: readonly string[]) {
  const child = spawn(process.execPath, [program, ...argv], {
    env: { PATH: process.env['PATH'], HOME: '/nowhere', KUBECONFIG: kubeconfig, ...env },
    stdio: 'pipe',
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { child: child as ChildProcess, ended: ended.then(([out, err, [code]]): Ran => ({ out, err, code })) };
}

export const runProgram = (asked: Asked, ...argv: readonly string[]): Promise<Ran> => startProgram(asked, ...argv).ended;
