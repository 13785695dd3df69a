import { existsSync } from 'node:fs';
import type { Agent } from 'node:http';
import type { RequestOptions } from 'node:https';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { podConnection } from './service-account.js';

/** An API server, and how to prove to it who we are. */
export interface Connection {
  readonly server: URL;
  /** The namespace of the context, or of the pod we run in. */
  readonly namespace: string;
  /** Asked again now and then, and when the server says 401: tokens and certificates change. */
  credentials(): Promise<Credentials>;
}

export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsMaterial;
  /** Where the kubeconfig names a proxy: the agent that goes through it. */
  readonly agent?: Agent;
}

/** PEM. */
export interface TlsMaterial {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly rejectUnauthorized?: boolean;
  readonly servername?: string;
}

/** Where client-node looks when it has found nothing: nobody ever means that. */
const nothingFound = 'http://localhost:8080';

/**
 * Reads the kubeconfig at `path`; without one, what kubectl would read ($KUBECONFIG, ~/.kube/config), else the pod's service account.
 * `context` is taken instead of the current one. Rejects with an Error that says what was looked for, and never quotes the file. Loading the library behind it costs about 60 MB, once; a pod is spared it.
 */
export async function loadKubeConfig(path?: string, context?: string): Promise<Connection> {
  const pod = path === undefined && context === undefined && !hasKubeConfig() ? await podConnection() : undefined;
  if (pod !== undefined) return pod;
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  const source = path ?? '$KUBECONFIG, ~/.kube/config or a service account';
  try {
    if (path === undefined) config.loadFromDefault();
    else config.loadFromFile(path);
  } catch (error) {
    throw new Error(`the kubeconfig (${source}) cannot be read: ${harmless(error)}`);
  }
  if (context !== undefined) useContext(config, context, source);
  return connectionOf(config, source);
}

/** Where the library looks first. */
const hasKubeConfig = (): boolean => (process.env['KUBECONFIG'] ?? '') !== '' || existsSync(join(homedir(), '.kube', 'config'));

function useContext(config: KubeConfig, context: string, source: string): void {
  const known = config.getContexts().map(({ name }) => name);
  if (!known.includes(context))
    throw new Error(`the kubeconfig (${source}) has no context "${context}"; it has: ${known.join(', ') || 'none'}`);
  config.setCurrentContext(context);
}

/** A YAML error quotes the lines around it, which may hold a token. */
function harmless(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  if ('code' in error) return `${error.code}`;
  return error.name === 'YAMLException' ? 'not YAML' : 'not a kubeconfig';
}

function connectionOf(config: KubeConfig, source: string): Connection {
  const cluster = config.getCurrentCluster();
  const server = URL.canParse(cluster?.server ?? '') ? new URL(cluster?.server ?? '') : undefined;
  if (!cluster || !server) throw new Error(`the kubeconfig (${source}) names no server for its current context "${config.currentContext}"`);
  if (cluster.server === nothingFound) throw new Error(`no API server is known: looked for ${source}`);
  const namespace = config.getContextObject(config.currentContext)?.namespace ?? 'default';
  const proxied = cluster.proxyUrl !== undefined;
  return { server, namespace, credentials: () => credentialsOf(config, proxied) };
}

async function credentialsOf(config: KubeConfig, proxied: boolean): Promise<Credentials> {
  const options: RequestOptions = { headers: {} };
  await config.applyToHTTPSOptions(options);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) if (typeof value === 'string') headers[name] = value;
  if (options.auth) headers['Authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  const agent = proxied && typeof options.agent === 'object' ? { agent: options.agent } : {};
  return { headers, tls: tlsOf(options), ...agent };
}

function tlsOf(options: RequestOptions): TlsMaterial {
  const { ca, cert, key, rejectUnauthorized, servername } = options;
  return {
    ...pem('ca', ca),
    ...pem('cert', cert),
    ...pem('key', key),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    ...(servername === undefined ? {} : { servername }),
  };
}

function pem(name: 'ca' | 'cert' | 'key', value: unknown): TlsMaterial {
  return typeof value === 'string' || Buffer.isBuffer(value) ? { [name]: value } : {};
}
