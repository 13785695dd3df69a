import { spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Remembered } from './remembered.js';

/** What marks on the host call the demo: nobody else's cluster is called so. */
const cluster = 'virtwright-demo';

/** The program, as seen from `dist/demo/`. */
export const program = fileURLToPath(new URL('../controllers/main.js', import.meta.url));

/** Gives the kubeconfig of an API server and operator that outlive this process; one that runs already is taken as it is. */
export async function startStandalone(remembered: Remembered, step: (text: string) => void, signal: AbortSignal): Promise<string> {
  const data = join(remembered.folder, 'data');
  const log = join(remembered.folder, 'standalone.log');
  const kubeconfig = join(data, 'kubeconfig');
  if (remembered.isAlive('standalone')) {
    step('the API server and the operator run already');
    return kubeconfig;
  }
  step('starting the API server and the operator, in one process');
  const out = openSync(log, 'w');
  const args = ['standalone', '--hypervisor', 'here', '--cluster-name', cluster, '--data', data, '--port', '0'];
  const child = spawn(process.execPath, [program, ...args], { detached: true, stdio: ['ignore', out, out] });
  remembered.write('standalone', child.pid as number);
  child.unref();
  while (!readFileSync(log, 'utf8').includes(' is up: ')) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the API server ended: ${lastLines(log)}`);
    await sleep(50, undefined, { signal });
  }
  return kubeconfig;
}

const lastLines = (file: string): string => readFileSync(file, 'utf8').trim().split('\n').slice(-5).join('\n');
