import type { Client } from '../kubernetes/client.js';
import type { CredentialMetrics } from '../observability/credential-metrics.js';
import { advise } from './advice.js';
import { keepCertificate } from './keeper.js';
import { serveAdmission } from './server.js';
import type { Sight } from './sight.js';

export interface WebhookOptions {
  readonly client: Client;
  readonly namespace: string;
  readonly host: string;
  readonly port: number;
  /** Another, as cert-manager, makes the certificate. */
  readonly isGiven: boolean;
  readonly sight: Sight;
  readonly metrics: Pick<CredentialMetrics, 'showing'>;
  readonly onTrouble: (message: string, error: unknown) => void;
}

/** Answers the API server until the signal. Rejects when the port cannot be had. */
export async function runWebhook(options: WebhookOptions, signal: AbortSignal): Promise<void> {
  const { host, port, sight, metrics } = options;
  await using server = await serveAdmission({
    host,
    port,
    advise: (kind, object) => (sight.known === undefined ? { warnings: [] } : advise(kind, object, sight.known)),
  });
  const use = (identity: Parameters<typeof server.use>[0]) => {
    server.use(identity);
    metrics.showing('webhook', identity.certificate);
  };
  await keepCertificate({ ...options, use }, signal);
}
