import type { Hypervisor } from '#crds/types.js';
import { closed, type KeysOf, needsCopy, type Way, wayTo } from '../credentials.js';
import { credentialsIn } from '../pool-credentials.js';
import type { PoolCredentials } from '../storage-pool-instance/kind.js';
import type { OneSecret } from './one-secret.js';

export interface WayOptions {
  readonly namespace: string;
  readonly keysOf: KeysOf;
  readonly hypervisor: () => Hypervisor | undefined;
  /** What the controller handed to this host's agent. */
  readonly copy: OneSecret;
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
