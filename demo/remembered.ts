import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Processes that outlive who started them, in the way that common.sh has them: by id and start time, as ids are given out again. */
export class Remembered {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  write(name: string, pid: number): void {
    writeFileSync(join(this.folder, `${name}.pid`), `${pid} ${startTime(pid) ?? ''}\n`);
  }

  isAlive(name: string): boolean {
    const [pid, time] =
      read(join(this.folder, `${name}.pid`))
        ?.trim()
        .split(' ') ?? [];
    return time !== undefined && startTime(Number(pid)) === time;
  }
}

/** In clock ticks since the system came up, see proc(5); undefined when there is no such process, or it is a zombie. */
function startTime(pid: number): string | undefined {
  const [, fields] = read(`/proc/${pid}/stat`)?.split(/\) (?!.*\) )/s) ?? [];
  return fields?.startsWith('Z') ? undefined : fields?.split(' ')[19];
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
