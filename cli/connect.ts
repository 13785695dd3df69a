import { type Connection, loadKubeConfig } from '#controllers/kubernetes/client.js';
import type { Invocation } from './command.js';
import { Failure } from './complaint.js';

type Asked = Pick<Invocation<Record<never, never>>['flags'], 'kubeconfig' | 'context' | 'namespace'>;

/** The API server that is meant, with the namespace that is meant. Rejects with a Failure. */
export async function connectionFor({ kubeconfig, context, namespace }: Asked): Promise<Connection> {
  const connection = await loadKubeConfig(kubeconfig, context).catch((reason: Error) => {
    throw new Failure(reason.message);
  });
  return namespace === undefined ? connection : { ...connection, namespace };
}
