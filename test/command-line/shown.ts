import { execFile } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Test } from 'tap';
import { program } from '#test/cluster/program.js';

/** A command that a page shows after `$ `, and what it prints there. */
export interface Shown {
  readonly command: string;
  readonly prints: readonly string[];
}

/** Of blocks that are called `console`, in order. */
export function shownIn(page: string): readonly Shown[] {
  const shown: { readonly command: string; readonly prints: string[] }[] = [];
  for (const [, block = ''] of page.matchAll(/^```console\n([\s\S]*?)^```$/gm))
    for (const line of block.trimEnd().split('\n')) {
      const last = shown.at(-1);
      if (line.startsWith('$ ')) shown.push({ command: line.slice(2), prints: [] });
      else if (last === undefined) throw new Error(`what printed this? ${line}`);
      else last.prints.push(line);
    }
  return shown;
}

/** Where commands of a page are run as they stand there: with these programs, against that host and that server. */
export interface Place {
  readonly folder: string;
  readonly uri: string;
  readonly kubeconfig: string;
  readonly kubectl: string;
}

/** Runs them all, one after the other, and compares what they print; `…` is anything. */
export async function runShown(t: Test, shown: readonly Shown[], { folder, uri, kubeconfig, kubectl }: Place): Promise<void> {
  const programs = join(folder, 'programs');
  await mkdir(programs);
  for (const [name, line] of Object.entries({
    virtwright: `'${process.execPath}' '${program}'`,
    virsh: `virsh --connect '${uri}'`,
    kubectl: `'${kubectl}'`,
  })) {
    const path = process.env['PATH'] ?? '';
    await writeFile(join(programs, name), `#!/bin/sh\nPATH='${path}' exec ${line} "$@"\n`);
    await chmod(join(programs, name), 0o755);
  }
  const env = { PATH: `${programs}:${process.env['PATH']}`, HOME: folder, KUBECONFIG: kubeconfig };
  for (const { command, prints } of shown) {
    const printed = await new Promise<string>((resolve) => {
      const words = ['-euo', 'pipefail', '-c', command.replaceAll('qemu:///system', uri)];
      execFile('bash', words, { cwd: folder, env }, (error, stdout, stderr) =>
        resolve(error === null ? stdout : `${stdout}${stderr}exit ${error.code}`),
      );
    });
    t.match(printed.trim(), new RegExp(`^${prints.map(patternOf).join('\\n')}$`), command);
  }
}

const patternOf = (line: string): string =>
  line
    .trimEnd()
    .split('…')
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
