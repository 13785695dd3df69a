import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** What a program prints. Rejects with what it complained of when it fails. */
export async function run(command: string, args: readonly string[], input = ''): Promise<string> {
  const child = spawn(command, args, { stdio: 'pipe' });
  child.stdin.on('error', () => {}); // it may end without reading
  child.stdin.end(input);
  const [output, complaint, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  if (code === 0) return output;
  throw new Error(`${command} ${args[0] ?? ''}: exit code ${code}: ${complaint.trim().split('\n').slice(-5).join('\n')}`);
}
