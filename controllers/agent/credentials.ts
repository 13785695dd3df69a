import type { Hypervisor } from '#crds/types.js';
import { closed, type KeysOf, needsCopy, type Way, wayTo } from '../credentials.js';
import { ApiError, type Client } from '../kubernetes/client.js';
import { copyOf, decodeSecret, type Secret, secrets } from '../secrets.js';
import { type Watched, watch } from '../watched.js';

export interface WayOptions {
  readonly name: string;
  readonly client: Client;
  readonly namespace: string;
  readonly keysOf: KeysOf;
  readonly hypervisor: () => Hypervisor | undefined;
  readonly onTrouble: (message: string, error: unknown) => void;
}

/**
 * The way to the host as things are now; undefined before they are known. The copy of its credentials is watched from when it is first
 * needed: most agents have no right to one.
 */
export function watchWay(options: WayOptions, signal: AbortSignal): () => Way | undefined {
  const { name, namespace, keysOf, hypervisor } = options;
  let watched: Watched<Secret> | undefined;
  let trouble: unknown;
  const onTrouble = (message: string, error: unknown) => {
    trouble = error;
    options.onTrouble(message, error);
  };
  return () => {
    const seen = hypervisor();
    if (seen === undefined) return undefined;
    if (!needsCopy(seen, keysOf)) return wayTo(seen, undefined, namespace, keysOf);
    watched ??= watchCopy({ ...options, onTrouble }, signal);
    if (watched.reflector.hasSynced) return wayTo(seen, watched.store.get(`${namespace}/${copyOf(name)}`), namespace, keysOf);
    return trouble === undefined ? undefined : unreadable(options, trouble);
  };
}

/** By name: to list and watch that one Secret is all that the agent's Role allows. */
function watchCopy({ name, client, namespace, onTrouble }: WayOptions, signal: AbortSignal): Watched<Secret> {
  const selection = { namespace, fieldSelector: `metadata.name=${copyOf(name)}` };
  return watch({ client, resource: secrets, decode: decodeSecret, selection, onTrouble }, signal);
}

function unreadable({ name, namespace }: WayOptions, trouble: unknown): Way {
  const copy = `Secret "${copyOf(name)}" in namespace "${namespace}"`;
  return closed(
    'CredentialsMissing',
    ApiError.is(trouble, 'Forbidden')
      ? `the agent may not read ${copy}: give its account a Role for it, as in manifests/rights-for-one-host.yaml`
      : `${copy} could not be read yet: ${trouble instanceof Error ? trouble.message : 'the API server is not reached'}`,
  );
}
