import { fileURLToPath } from 'node:url';
import { crdFolder } from '#crds/schema.js';
import type { ApiServer } from '#test/cluster/api-server.js';

/** Our kinds, known to the server when this resolves. */
export async function installCrds(server: ApiServer): Promise<void> {
  for (const words of [
    ['apply', '--server-side', '-f', fileURLToPath(crdFolder)],
    ['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all'],
  ]) {
    const { code, stderr } = await server.kubectl(...words);
    if (code !== 0) throw new Error(`kubectl ${words[0]}: ${stderr}`);
  }
}
