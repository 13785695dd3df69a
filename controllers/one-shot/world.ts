import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { readCrds } from '#crds/schema.js';
import type { Drivers } from '#drivers/target.js';
import { startStandalone } from '#standalone/server.js';
import { runAgent } from '../agent/agent.js';
import { runController } from '../cluster/controller.js';
import { ApiError, type Client, createClient, loadKubeConfig } from '../kubernetes/client.js';
import { definitions } from '../kubernetes/definitions.js';
import { createMetrics } from '../metrics.js';
import { namespaces, operatorNamespace } from '../namespaces.js';
import type { Fill } from '../storage-volume/fill.js';
import type { ToldAct } from '../told-act.js';
import { lastingUid } from './objects.js';

export interface WorldOptions extends Drivers {
  readonly host: string;
  readonly cluster: string;
  readonly fill?: Fill;
  readonly onAct: (act: ToldAct) => void;
  readonly onActed: () => void;
  readonly onTrouble: (message: string, error: unknown) => void;
}

/**
 * The operator for one host, in this process and for as long as `work` takes, with an API server that nobody else knows of: what binds, plans and acts
 * is what does so anywhere else. Its data lie in a folder of its own, which goes with it.
 */
export async function withWorld<T>(options: WorldOptions, work: (client: Client) => Promise<T>, signal: AbortSignal): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'virtwright-one-shot-'));
  const over = new AbortController();
  try {
    await using server = await startStandalone({ folder, port: 0, uidOf: lastingUid(options.cluster) });
    await using client = createClient(await loadKubeConfig(server.kubeconfig), { fieldManager: 'virtwright-cli' });
    for (const manifest of readCrds().values()) await client.apply(definitions, { ...manifest }, { force: true }, signal);
    await client.create(namespaces, { metadata: { name: operatorNamespace } }, signal).catch((reason) => {
      if (!ApiError.is(reason, 'AlreadyExists')) throw reason;
    });
    const running = operate(options, client, AbortSignal.any([signal, over.signal]));
    try {
      return await Promise.race([work(client), running.then(() => unexpectedEnd())]);
    } finally {
      over.abort();
      await running.catch(() => {});
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const unexpectedEnd = (): never => {
  throw new Error('the operator ended before its work was done');
};

async function operate(options: WorldOptions, client: Client, signal: AbortSignal): Promise<void> {
  const { host, cluster, connect, credentialKeys, fill, onAct, onActed, onTrouble } = options;
  const metrics = createMetrics(new Registry());
  const identity = `one-shot-${randomBytes(4).toString('hex')}`;
  const common = { client, namespace: operatorNamespace, identity, credentialKeys, metrics, onTrouble };
  const agent = { ...common, connect, hypervisors: [host], cluster, onAct, onActed, ...(fill === undefined ? {} : { fill }) };
  await Promise.all([runController(common, signal), runAgent(agent, signal)]).catch((reason) => {
    if (!signal.aborted) throw reason;
  });
}
