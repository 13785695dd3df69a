import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

/** Seen from `dist/test/cluster/`. */
const buildScript = fileURLToPath(new URL('../../../test/peers/kubernetes/build.sh', import.meta.url));

/** What the build script exits with when there is nothing to build with. */
const cannotBuild = 3;

export class AssetsMissing extends Error {}

/** The folder of kube-apiserver, kubectl and etcd, built when need be. Rejects with AssetsMissing where Go is missing. */
export async function findAssets(): Promise<string> {
  const build = spawn(buildScript, { stdio: ['ignore', 'pipe', 'pipe'] });
  const [folder, complaint, [code]] = await Promise.all([text(build.stdout), text(build.stderr), once(build, 'exit')]);
  if (code === 0) return folder.trim();
  const lastLines = complaint.trim().split('\n').slice(-5).join('\n');
  throw code === cannotBuild ? new AssetsMissing(lastLines) : new Error(`building the API server failed:\n${lastLines}`);
}
