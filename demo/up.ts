import { join } from 'node:path';
import { createClient, loadKubeConfig } from '#controllers/kubernetes/client.js';
import { applyAll } from './apply.js';
import { hearBanner } from './banner.js';
import { isDone, Progress } from './progress.js';
import { Remembered } from './remembered.js';
import { startStandalone } from './standalone.js';
import { canUpload, uploadAll } from './upload.js';

/**
 * The demo, once the host is prepared: an API server and the operator in a process that stays, a machine, and what its guest says. Carries on
 * from whatever is there. Given the folder of its state, which is written to before anything is done that would have to be taken away, and
 * the hypervisor's URI.
 */
const [stateFolder, uri] = process.argv.slice(2);
if (stateFolder === undefined || uri === undefined) throw new Error('usage: node up.js STATE-FOLDER URI');
const step = (text: string): void => void process.stdout.write(`  ${text}\n`);

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());

async function main(folder: string, uri: string, signal: AbortSignal): Promise<void> {
  const kubeconfig = await startStandalone(new Remembered(folder), step, signal);
  await using client = createClient(await loadKubeConfig(kubeconfig), { fieldManager: 'make-demo' });
  step('applying manifests/demo/');
  await applyAll(client, uri, signal);
  const progress = new Progress(client, step);
  await uploadAll(await progress.until(canUpload, signal), join(folder, 'guest'), kubeconfig, signal);
  await progress.until(isDone, signal);
  step(`on its console: ${await hearBanner(kubeconfig, signal)}`);
}

main(stateFolder, uri, interrupted.signal).catch((reason: Error) => {
  const said = interrupted.signal.aborted
    ? 'interrupted; `make demo` carries on from here, `make demo-down` takes away what is there'
    : reason.message;
  process.stderr.write(`demo: ${said}\n`);
  process.exitCode = 1;
});
