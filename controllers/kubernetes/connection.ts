import type { Agent } from 'node:http';

export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsMaterial;
  /** Where the kubeconfig names a proxy: the agent that goes through it. */
  readonly agent?: Agent;
}

export interface TlsMaterial {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly rejectUnauthorized?: boolean;
  readonly servername?: string;
}

/** An API server, and how to prove to it who we are. */
export interface Connection {
  readonly server: URL;
  /** The namespace of the context, or of the pod we run in. */
  readonly namespace: string;
  /** Asked again now and then, and when the server says 401: tokens and certificates change. */
  credentials(signal: AbortSignal): Promise<Credentials>;
}

/**
 * Reads the kubeconfig at `path`; without one, what kubectl would read ($KUBECONFIG, ~/.kube/config), else the pod's service account.
 * Rejects with an Error that says what was looked for.
 */
export function loadKubeConfig(path?: string): Promise<Connection> {
  throw new Error(`${path}`);
}
