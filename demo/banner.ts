import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { program } from './standalone.js';

/** What our guests say, what a machine in memory says, and what any other system ends its start with. */
const banner = /virtwright guest ready: hello|default\.hello booted|login: *$/;
/** Somebody's image may take its time under emulation. */
const patienceMs = 600_000;

/** What the guest says on its console. The banner may be older than our console, so Enter is pressed until the guest answers with it. */
export async function hearBanner(kubeconfig: string, signal: AbortSignal): Promise<string> {
  const console = spawn(process.execPath, [program, 'console', 'hello', '--namespace', 'default', '--kubeconfig', kubeconfig], { signal });
  console.on('error', () => {}); // as when the signal comes, which is found out below
  const heard = { output: '', complaint: '' };
  console.stdout.on('data', (bytes) => (heard.output += bytes));
  console.stderr.on('data', (bytes) => (heard.complaint += bytes));
  console.stdin.on('error', () => {}); // a console that ended is found out below
  try {
    for (const end = performance.now() + patienceMs; performance.now() < end && console.exitCode === null; ) {
      const line = heard.output.split(/\r?\n/).find((one) => banner.test(one));
      if (line !== undefined) return line.trim();
      console.stdin.write('\n');
      await sleep(300, undefined, { signal });
    }
  } finally {
    await ended(console);
  }
  throw new Error(
    `nothing was heard on the console of hello; heard instead: ${JSON.stringify(heard.output.slice(-200))} ${heard.complaint}`,
  );
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill();
  await gone;
}
