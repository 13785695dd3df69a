import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { AssetsMissing } from './build.js';

/** Prometheus' own judge of metrics, rules and queries: what it complains of, empty when it does not. Rejects with AssetsMissing where it is not installed. */
export async function promtool(args: readonly string[], input = ''): Promise<string> {
  const child = spawn('promtool', args, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]).catch((reason) => {
    throw 'code' in reason && reason.code === 'ENOENT' ? new AssetsMissing('promtool is missing: apt-get install prometheus') : reason;
  });
  return code === 0 ? stderr : `${stdout}${stderr}`;
}
