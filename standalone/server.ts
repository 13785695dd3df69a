import { setMaxListeners } from 'node:events';
import { Admission } from './admission/admit.js';
import type { Advise } from './admission/advise.js';
import { openData } from './data.js';
import { kubeconfigText, prepareFolder, prepareIdentities } from './files.js';
import { Housekeeper } from './housekeeper/housekeeper.js';
import { Handler } from './http/handle.js';
import { listen } from './listen.js';
import { writePrivate } from './private-file.js';
import type { UidOf } from './requests/objects.js';
import { Registry } from './resources/registry.js';
import type { Sealing } from './sealing.js';

export interface StandaloneOptions {
  /** All its data: objects, certificates, kubeconfig. Made when it is not there; nobody else may read it. */
  readonly folder: string;
  /** On loopback; any free one when 0. */
  readonly port: number;
  /** Of Secrets at rest. The key lies in the folder when nothing else is said. */
  readonly sealing?: Partial<Sealing>;
  /** Asked of what is written, before it is stored. */
  readonly advise?: Advise;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** At random when absent. One that gives an object the same uid in each life must never be asked of one that was deleted meanwhile. */
  readonly uidOf?: UidOf;
}

/** An API server of Kubernetes' ways for one host, in this process. */
export interface Standalone extends AsyncDisposable {
  readonly url: string;
  readonly kubeconfig: string;
}

export async function startStandalone({ folder, port, sealing, advise, now = Date.now, uidOf }: StandaloneOptions): Promise<Standalone> {
  const files = await prepareFolder(folder);
  const whole = { path: files.sealingKey, renew: false, dropUnreadable: false, ...sealing };
  const data = await openData(folder, files.objects, whole);
  const ended = new AbortController();
  // One for each watch.
  setMaxListeners(0, ended.signal);
  const { store } = data;
  const registry = new Registry();
  const housekeeper = new Housekeeper(store, registry, now);
  const end = async (): Promise<void> => {
    await housekeeper[Symbol.asyncDispose]();
    await store.settled();
    await data[Symbol.asyncDispose]();
  };
  try {
    const identities = await prepareIdentities(folder);
    await housekeeper.begin();
    const listening = await listen(
      new Handler({ store, registry, now, uidOf, admission: new Admission(store, advise), signal: ended.signal }),
      identities,
      port,
    );
    await writePrivate(files.kubeconfig, kubeconfigText(listening.url, identities.authority, identities.admin));
    return {
      url: listening.url,
      kubeconfig: files.kubeconfig,
      async [Symbol.asyncDispose]() {
        ended.abort();
        await listening.end(() => store.settled());
        await end();
      },
    };
  } catch (reason) {
    await end();
    throw reason;
  }
}
