import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { loadavg } from 'node:os';

/** What processes have used so far: seconds of CPU, and MiB of memory, now and at most. Of several, their sum. */
export interface Usage {
  readonly cpuSeconds: number;
  readonly rssMiB: number;
  readonly peakMiB: number;
}

export const nothing: Usage = { cpuSeconds: 0, rssMiB: 0, peakMiB: 0 };
const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** As proc(5) has it; nothing for a process that is gone. */
export async function usageOf(pid: number): Promise<Usage> {
  const [stat, status] = await Promise.all(['stat', 'status'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '')));
  // The name in parentheses may hold blanks: fields are counted from behind it.
  const fields = (stat ?? '').slice((stat ?? '').lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  const mebibytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status ?? '')?.[1] ?? 0) / 1024;
  return { cpuSeconds: ticks / ticksPerSecond, rssMiB: mebibytes('VmRSS'), peakMiB: mebibytes('VmHWM') };
}

export const total = (usages: readonly Usage[]): Usage =>
  usages.reduce(
    (sum, one) => ({
      cpuSeconds: sum.cpuSeconds + one.cpuSeconds,
      rssMiB: sum.rssMiB + one.rssMiB,
      peakMiB: sum.peakMiB + one.peakMiB,
    }),
    nothing,
  );

/** How many want to run, over the last minute. */
export const load = (): number => loadavg()[0] ?? 0;
