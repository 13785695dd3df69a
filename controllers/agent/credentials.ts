import type { Hypervisor } from '#crds/types.js';
import { closed, type KeysOf, needsCopy, type Way, wayTo } from '../credentials.js';
import { ApiError, type Client } from '../kubernetes/client.js';
import { credentialsIn } from '../pool-credentials.js';
import { copyOf, decodeSecret, type Secret, secrets } from '../secrets.js';
import type { PoolCredentials } from '../storage-pool-instance/kind.js';
import { type Watched, watch } from '../watched.js';

export interface CopyOptions {
  readonly name: string;
  readonly client: Client;
  readonly namespace: string;
  readonly onTrouble: (message: string, error: unknown) => void;
  /** What was handed over changed. */
  readonly onChange?: () => void;
}

export interface WayOptions {
  readonly namespace: string;
  readonly keysOf: KeysOf;
  readonly hypervisor: () => Hypervisor | undefined;
  readonly copy: HostCopy;
}

/** What the controller handed to this host's agent; a text says why it is not known. */
export type HostCopy = () => { readonly secret: Secret | undefined } | string | undefined;

/** Watched from when it is first asked for: most agents have no right to one. */
export function watchHostCopy(options: CopyOptions, signal: AbortSignal): HostCopy {
  const { name, namespace, onChange = () => {} } = options;
  let watched: Watched<Secret> | undefined;
  let trouble: unknown;
  const onTrouble = (message: string, error: unknown) => {
    trouble = error;
    options.onTrouble(message, error);
  };
  return () => {
    if (watched === undefined) {
      watched = watchCopy({ ...options, onTrouble }, signal);
      watched.store.subscribe(onChange);
      watched.reflector.synced.then(onChange, () => {});
    }
    if (watched.reflector.hasSynced) return { secret: watched.store.get(`${namespace}/${copyOf(name)}`) };
    return trouble === undefined ? undefined : unreadable(options, trouble);
  };
}

/** The way to the host as things are now; undefined before they are known. */
export function watchWay({ namespace, keysOf, hypervisor, copy }: WayOptions): () => Way | undefined {
  return () => {
    const seen = hypervisor();
    if (seen === undefined) return undefined;
    if (!needsCopy(seen, keysOf)) return wayTo(seen, undefined, namespace, keysOf);
    const known = copy();
    if (typeof known === 'string') return closed('CredentialsMissing', known);
    return known === undefined ? undefined : wayTo(seen, known.secret, namespace, keysOf);
  };
}

/** By name: to list and watch that one Secret is all that the agent's Role allows. */
function watchCopy({ name, client, namespace, onTrouble }: CopyOptions, signal: AbortSignal): Watched<Secret> {
  const selection = { namespace, fieldSelector: `metadata.name=${copyOf(name)}` };
  return watch({ client, resource: secrets, decode: decodeSecret, selection, onTrouble }, signal);
}

function unreadable({ name, namespace }: CopyOptions, trouble: unknown): string {
  const copy = `Secret "${copyOf(name)}" in namespace "${namespace}"`;
  return ApiError.is(trouble, 'Forbidden')
    ? `the agent may not read ${copy}: give its account a Role for it, as in manifests/rights-for-one-host.yaml`
    : `${copy} could not be read yet: ${trouble instanceof Error ? trouble.message : 'the API server is not reached'}`;
}

/** What a pool's store lets this host in with; a text says what is missing. */
export function poolCredentials(options: Pick<WayOptions, 'hypervisor' | 'copy' | 'namespace'>): PoolCredentials {
  return (pool, secretName) => {
    const known = options.copy();
    const source = `Secret "${secretName}" in namespace "${options.namespace}"`;
    if (typeof known === 'string') return known;
    const owner = known?.secret?.metadata.ownerReferences?.[0]?.uid;
    if (known?.secret === undefined || owner !== options.hypervisor()?.metadata.uid)
      return `${source} has not been handed to this host yet; see that the controller runs`;
    const found = credentialsIn(known.secret.data, pool);
    return typeof found === 'string' ? `${source} has no key "${found}", or there is none` : found;
  };
}
