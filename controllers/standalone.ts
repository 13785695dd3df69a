import { homedir } from 'node:os';
import { join } from 'node:path';
import { Complaint } from '#cli/complaint.js';
import { cannotListen, isListenError } from '#cli/listening.js';
import { readCrds } from '#crds/schema.js';
import { hypervisors } from '#crds/types.js';
import type { Drivers } from '#drivers/target.js';
import { type Standalone, type StandaloneOptions, startStandalone } from '#standalone/server.js';
import { advise } from './admission/advice.js';
import { type Known, knownOf } from './admission/known.js';
import type { ClusterWatches } from './binder.js';
import { type Flags, runOperator } from './commands.js';
import { type Client, createClient, loadKubeConfig } from './kubernetes/client.js';
import { definitions } from './kubernetes/definitions.js';

/** Where the API server listens, on loopback, unless it is told otherwise. */
const standalonePort = 7443;

/** An API server of our own in this process, and the operator beside it for the hypervisors that are named. */
export async function standaloneCommand(flags: Flags, drivers: Drivers, signal: AbortSignal): Promise<void> {
  const port = portOf(flags.port);
  // The controller's stores, once it has them: no webhook is needed where both are one process.
  let known: Known | undefined;
  const options: StandaloneOptions = {
    folder: flags.data ?? usualFolder(),
    port,
    sealing: sealingOf(flags),
    advise: (group, kind, object) => (known === undefined || group !== hypervisors.group ? { warnings: [] } : advise(kind, object, known)),
  };
  const onWatched = (watched: ClusterWatches, leading: AbortSignal): void => {
    known = knownOf(watched);
    const forget = (): void => {
      known = undefined;
    };
    leading.addEventListener('abort', forget, { once: true });
  };
  await using server = await startStandalone(options).catch((reason: unknown) => {
    throw isListenError(reason) ? new Complaint(cannotListen('--port', `127.0.0.1:${port}`, reason), { cause: reason }) : reason;
  });
  if (flags.bare !== true) await installCrds(server);
  process.stdout.write(`${server.url} is up: export KUBECONFIG=${server.kubeconfig}\n`);
  if ((flags.hypervisor ?? []).length > 0) await runOperator({ ...flags, kubeconfig: server.kubeconfig }, drivers, onWatched, signal);
  else if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

const usualFolder = (): string => (process.getuid?.() === 0 ? '/var/lib/virtwright' : join(homedir(), '.local', 'share', 'virtwright'));

const sealingOf = (flags: Flags) => ({
  ...(flags['sealing-key'] === undefined ? {} : { path: flags['sealing-key'] }),
  renew: flags['renew-sealing-key'] === true,
  dropUnreadable: flags['drop-secrets'] === true,
});

function portOf(text: string | undefined): number {
  if (text === undefined) return standalonePort;
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new Complaint(`--port: "${text}" given, accepted is a number up to 65535; 0 takes a free one`);
  return Number(text);
}

/** By server-side apply: who has changed one, and what it has of its own, is as with any other API server. */
async function installCrds({ kubeconfig }: Standalone): Promise<void> {
  await using client: Client = createClient(await loadKubeConfig(kubeconfig), { fieldManager: 'virtwright-standalone' });
  for (const manifest of readCrds().values())
    await client.apply(definitions, { ...manifest }, { force: true }, AbortSignal.timeout(30_000));
}
