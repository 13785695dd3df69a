import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

/** What a build script exits with when there is nothing to build with. */
const cannotBuild = 3;

/** There is nothing to build a peer with; the message says what is missing. */
export class AssetsMissing extends Error {}

interface Harness {
  plan(count: 0, reason: string): void;
}

/** The folder that `test/peers/<peer>/build.sh` prints, built when need be. Rejects with AssetsMissing where what it needs is missing. */
export async function buildPeer(peer: string): Promise<string> {
  // Seen from `dist/test/peers/`.
  const script = fileURLToPath(new URL(`../../../test/peers/${peer}/build.sh`, import.meta.url));
  const build = spawn(script, { stdio: ['ignore', 'pipe', 'pipe'] });
  const [folder, complaint, [code]] = await Promise.all([text(build.stdout), text(build.stderr), once(build, 'exit')]);
  if (code === 0) return folder.trim();
  const lastLines = complaint.trim().split('\n').slice(-5).join('\n');
  throw code === cannotBuild ? new AssetsMissing(lastLines) : new Error(`${script} failed:\n${lastLines}`);
}

/** Skips the test file when `reason` is that a peer cannot be built, unless CI is set. Rejects with any other reason. */
export function skipWhereMissing(t: Harness, reason: unknown): never {
  if (!(reason instanceof AssetsMissing) || process.env['CI'] === 'true') throw reason;
  t.plan(0, reason.message);
  process.exit(0);
}
