import { ApiError, type Client } from '../kubernetes/client.js';
import { decodeSecret, type Secret, secrets } from '../secrets.js';
import { type Watched, watch } from '../watched.js';

export interface OneSecretOptions {
  readonly client: Client;
  readonly namespace: string;
  readonly name: string;
  readonly onTrouble: (message: string, error: unknown) => void;
  readonly onChange?: () => void;
}

/** What there is of it; a text says why it is not known, undefined that it is not known yet. */
export type OneSecret = () => { readonly secret: Secret | undefined } | string | undefined;

/**
 * By name: to list and watch that one Secret is all that an agent's Role allows. Watched from when it is first asked for, as most agents
 * have no right to it.
 */
export function watchOneSecret(options: OneSecretOptions, signal: AbortSignal): OneSecret {
  const { client, namespace, name, onChange = () => {} } = options;
  let watched: Watched<Secret> | undefined;
  let trouble: unknown;
  const onTrouble = (message: string, error: unknown) => {
    trouble = error;
    options.onTrouble(message, error);
  };
  const begin = () => {
    const selection = { namespace, fieldSelector: `metadata.name=${name}` };
    const begun = watch({ client, resource: secrets, decode: decodeSecret, selection, onTrouble }, signal);
    begun.store.subscribe(onChange);
    begun.reflector.synced.then(onChange, () => {});
    return begun;
  };
  return () => {
    watched ??= begin();
    if (watched.reflector.hasSynced) return { secret: watched.store.get(`${namespace}/${name}`) };
    return trouble === undefined ? undefined : unreadable(options, trouble);
  };
}

function unreadable({ name, namespace }: OneSecretOptions, trouble: unknown): string {
  const secret = `Secret "${name}" in namespace "${namespace}"`;
  return ApiError.is(trouble, 'Forbidden')
    ? `the agent may not read ${secret}: give its account a Role for it, as in manifests/rights-for-one-host.yaml`
    : `${secret} could not be read yet: ${trouble instanceof Error ? trouble.message : 'the API server is not reached'}`;
}
