import { readFile } from 'node:fs/promises';
import { command } from './command.js';
import { openApi } from './server/api.js';

// Seen from `dist/cli/`.
const packageFile = new URL('../../package.json', import.meta.url);

/** This program's. */
export async function ownVersion(): Promise<string> {
  const { version } = JSON.parse(await readFile(packageFile, 'utf8')) as { readonly version: string };
  return version;
}

export const versionCommand = command({
  name: 'version',
  group: 'program',
  summary: "this program's version, and the API server's",
  usage: [''],
  wordless: true,
  flags: { client: { kind: 'switch', help: "this program's alone; no server is asked" } },
  examples: [{ line: 'version --client', what: 'without an API server' }],
  async run(invocation, signal) {
    const { flags, io } = invocation;
    io.stdout.write(`virtwright ${await ownVersion()}\n`);
    if (flags.client) return 0;
    await using api = await openApi(invocation);
    io.stdout.write(`Kubernetes ${await api.client.version(signal)}\n`);
    return 0;
  },
});
