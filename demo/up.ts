import { join } from 'node:path';
import { createClient, loadKubeConfig } from '#controllers/kubernetes/client.js';
import { applyAll } from './apply.js';
import { hearBanner } from './banner.js';
import { type Image, imageOf } from './image.js';
import { isDone, Progress } from './progress.js';
import { Remembered } from './remembered.js';
import { startStandalone } from './standalone.js';
import { canUpload, type Files, uploadAll } from './upload.js';

/**
 * The demo, once the host is prepared: an API server and the operator in a process that stays, a machine, and what its guest says. Carries on
 * from whatever is there. Given the folder of its state, which is written to before anything is done that would have to be taken away, and
 * the hypervisor's URI; and an image, if the machine is to have one of somebody's.
 */
const [stateFolder, uri, from] = process.argv.slice(2);
if (stateFolder === undefined || uri === undefined) throw new Error('usage: node up.js STATE-FOLDER URI [IMAGE]');
const step = (text: string): void => void process.stdout.write(`  ${text}\n`);

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());

async function main(folder: string, uri: string, signal: AbortSignal): Promise<void> {
  const image = from === undefined ? undefined : await imageOf(from);
  const kubeconfig = await startStandalone(new Remembered(folder), step, signal);
  await using client = createClient(await loadKubeConfig(kubeconfig), { fieldManager: 'make-demo' });
  step('applying manifests/demo/');
  await applyAll(client, { uri, image }, signal);
  const progress = new Progress(client, step);
  const files = filesOf(image, join(folder, 'guest'));
  await uploadAll(await progress.until(canUpload(files), signal), files, kubeconfig, signal);
  await progress.until(isDone, signal);
  step(`on its console: ${await hearBanner(kubeconfig, signal)}`);
}

function filesOf(image: Image | undefined, guest: string): Files {
  if (image === undefined) return { kernel: join(guest, 'vmlinuz'), initrd: join(guest, 'initrd') };
  return image.isUrl ? {} : { root: image.from };
}

main(stateFolder, uri, interrupted.signal).catch((reason: Error) => {
  const said = interrupted.signal.aborted
    ? 'interrupted; `make demo` carries on from here, `make demo-down` takes away what is there'
    : reason.message;
  process.stderr.write(`demo: ${said}\n`);
  process.exitCode = 1;
});
