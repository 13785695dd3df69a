import { type Client, createClient } from '#controllers/kubernetes/client.js';
import type { Resource } from '#controllers/kubernetes/resource.js';
import type { Invocation } from '../command.js';
import { connectionFor } from '../connect.js';
import { type Discovery, discover } from './discovery.js';

/** The API server that is meant. */
export interface Api extends AsyncDisposable {
  readonly client: Client;
  /** The one that is meant where none is said. */
  readonly namespace: string;
  /** Asked once, when it is first needed. */
  discovery(signal: AbortSignal): Promise<Discovery>;
}

/** Where an object of the kind is, unless it says itself where. */
export const spaceOf = ({ namespace }: Pick<Api, 'namespace'>, { namespaced }: Resource): { readonly namespace?: string } =>
  namespaced ? { namespace } : {};

type Asked = Pick<Invocation<Record<never, never>>, 'flags' | 'io'>;

export interface ApiOptions {
  /** Who owns the fields that are applied. */
  readonly fieldManager?: string;
}

/** Rejects with a Failure when the kubeconfig is not there, or has no such context. The server is not asked yet. */
export async function openApi({ flags, io }: Asked, options: ApiOptions = {}): Promise<Api> {
  const connection = await connectionFor(flags);
  const { namespace } = connection;
  const told = new Set<string>();
  const onWarning = (text: string): void => {
    if (!told.has(text)) io.stderr.write(`Warning: ${text}\n`);
    told.add(text);
  };
  const client = createClient(connection, { fieldManager: 'virtwright-cli', ...options, onWarning });
  let discovery: Promise<Discovery> | undefined;
  return {
    client,
    namespace,
    discovery: (signal) => {
      discovery ??= discover(client, signal);
      return discovery;
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}
