import type { Client } from '../kubernetes/client.js';
import { ApiError } from '../kubernetes/client.js';
import { createQueue } from '../kubernetes/queue.js';
import type { KubernetesObject, Resource } from '../kubernetes/resource.js';
import { decodeSecret, type Secret, secrets } from '../secrets.js';
import { type Watched, watch } from '../watched.js';
import { isGood, type Kept, renewed } from './certificate.js';

/** As the chart calls them. */
export const webhookName = 'virtwright-webhook';
export const configurationName = 'virtwright';

export const configurations: Resource = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  plural: 'validatingwebhookconfigurations',
  kind: 'ValidatingWebhookConfiguration',
  namespaced: false,
};

export interface KeeperOptions {
  readonly client: Client;
  readonly namespace: string;
  /** Another, as cert-manager, makes the certificate and says whom to trust. */
  readonly isGiven: boolean;
  readonly use: (kept: Kept) => void;
  readonly onTrouble: (message: string, error: unknown) => void;
  readonly now?: () => number;
}

const lookEveryMs = 60 * 60_000;

/**
 * Keeps the certificate in a Secret, and in the configuration whom the API server is to trust. All replicas do, and of two that write one
 * has a conflict. A new certificate is shown once the configuration has it.
 */
export async function keepCertificate(options: KeeperOptions, signal: AbortSignal): Promise<void> {
  const { client, namespace, isGiven, onTrouble } = options;
  const one = (name: string) => ({ fieldSelector: `metadata.name=${name}` });
  const kept = watch({ client, resource: secrets, decode: decodeSecret, selection: { namespace, ...one(webhookName) }, onTrouble }, signal);
  const configured = isGiven
    ? undefined
    : watch({ client, resource: configurations, decode: decodeConfiguration, selection: one(configurationName), onTrouble }, signal);
  await Promise.all([kept.reflector.synced, configured?.reflector.synced]);
  const queue = createQueue({
    workers: 1,
    process: async (key, until) => {
      await look(options, kept, configured, until).catch(ignoreOvertaken);
      queue.addAfter(key, lookEveryMs);
    },
    backoff: { firstMs: 200, maxMs: 60_000 },
    onError: (_key, error) => onTrouble('the certificate of the webhook', error),
  });
  for (const watched of [kept, configured]) watched?.store.subscribe(() => queue.add(webhookName));
  queue.add(webhookName);
  await queue.run(signal);
}

/** Another replica was faster: what it wrote comes by the watch. */
function ignoreOvertaken(reason: unknown): void {
  if (!ApiError.is(reason, 'Conflict') && !ApiError.is(reason, 'AlreadyExists')) throw reason;
}

type Configured = Watched<Configuration> | undefined;

async function look(options: KeeperOptions, kept: Watched<Secret>, configured: Configured, signal: AbortSignal): Promise<void> {
  const { client, namespace, isGiven, use, now = Date.now } = options;
  const key = `${namespace}/${webhookName}`;
  const secret = kept.store.get(key);
  const there = secret && read(secret);
  if (isGiven) return there === undefined ? undefined : use(there);
  const name = `${webhookName}.${namespace}.svc`;
  if (there === undefined || !isGood(there, name, now())) {
    kept.store.set(decodeSecret(await write(client, secret, namespace, await renewed(name, there, now()), signal)));
    return look(options, kept, configured, signal);
  }
  const configuration = configured?.store.get(configurationName);
  if (configured && configuration?.bundles.some((bundle) => bundle !== there.bundle))
    configured.store.set(decodeConfiguration(await client.apply(configurations, trusting(configuration, there), { force: true }, signal)));
  use(there);
}

function read({ data }: Secret): Kept | undefined {
  const text = (name: string): string | undefined => {
    const bytes = data.get(name);
    return bytes && Buffer.from(bytes).toString('utf8');
  };
  const [certificate, key, bundle] = [text('tls.crt'), text('tls.key'), text('ca.crt')];
  return certificate === undefined || key === undefined ? undefined : { certificate, key, bundle: bundle ?? '' };
}

function write(client: Client, secret: Secret | undefined, namespace: string, kept: Kept, signal: AbortSignal): Promise<KubernetesObject> {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const data = { 'tls.crt': base64(kept.certificate), 'tls.key': base64(kept.key), 'ca.crt': base64(kept.bundle) };
  if (secret === undefined) return client.create(secrets, { metadata: { name: webhookName, namespace }, data }, signal);
  const { resourceVersion } = secret.metadata;
  return client.mergePatch(secrets, secret.metadata, { data }, { resourceVersion }, signal);
}

interface Configuration {
  readonly metadata: KubernetesObject['metadata'];
  readonly webhooks: readonly string[];
  /** In PEM form, of each webhook. */
  readonly bundles: readonly string[];
}

interface Webhook {
  readonly name: string;
  readonly clientConfig?: { readonly caBundle?: string };
}

function decodeConfiguration({ metadata, webhooks }: KubernetesObject & { readonly webhooks?: unknown }): Configuration {
  const found = (Array.isArray(webhooks) ? webhooks : []) as readonly Webhook[];
  return {
    metadata,
    webhooks: found.map(({ name }) => name),
    bundles: found.map(({ clientConfig }) => Buffer.from(clientConfig?.caBundle ?? '', 'base64').toString()),
  };
}

const trusting = ({ metadata, webhooks }: Configuration, { bundle }: Kept) => ({
  metadata: { name: metadata.name, uid: metadata.uid },
  webhooks: webhooks.map((name) => ({ name, clientConfig: { caBundle: Buffer.from(bundle).toString('base64') } })),
});
