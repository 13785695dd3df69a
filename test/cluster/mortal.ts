import { setMaxListeners } from 'node:events';
import { Registry } from 'prom-client';
import type { ControllerOptions } from '#controllers/cluster/controller.js';
import { type Client, createClient, loadKubeConfig } from '#controllers/kubernetes/client.js';
import type { Resource } from '#controllers/kubernetes/resource.js';
import { createMetrics } from '#controllers/metrics.js';
import { noCredentials } from '#drivers/target.js';
import { until } from './until.js';
import type { World } from './world.js';

/** When a process dies: before its write of that number reaches the API server, or once it is made, with no answer heard. The first is 1. */
export interface Death {
  readonly when: 'before' | 'after';
  readonly write: number;
}

const changing = ['create', 'mergePatch', 'apply', 'applyStatus', 'delete'];

/** A client whose process dies then. What keeps its Leases is not counted: who follows need not wait for them. */
function mortal(client: Client, { when, write }: Death, die: () => void): Client {
  let begun = 0;
  const last = when === 'before' ? write - 1 : write;
  const dead = (): never => {
    die();
    throw new Error('it is dead');
  };
  return new Proxy(client, {
    get(target, property) {
      const method = Reflect.get(target, property, target) as unknown;
      if (typeof method !== 'function') return method;
      if (!changing.includes(String(property))) return method.bind(target);
      return async (...given: readonly unknown[]) => {
        if ((given[0] as Resource).plural === 'leases') return Reflect.apply(method, target, given);
        const number = ++begun;
        if (number > last) return dead();
        const answer: unknown = await Reflect.apply(method, target, given);
        return when === 'after' && number === last ? dead() : answer;
      };
    },
  });
}

/** What a controller and an agent have in common. */
export type Common = Pick<ControllerOptions, 'client' | 'namespace' | 'identity' | 'credentialKeys' | 'metrics' | 'onTrouble'>;

/** Runs it until it dies, or all is done that there was to do. Resolves to whether it died. */
export async function runUntilDead(
  world: World,
  run: (common: Common, signal: AbortSignal) => Promise<void>,
  death: Death,
  isDone: () => Promise<boolean>,
): Promise<boolean> {
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  await using client = createClient(await loadKubeConfig(world.cluster.kubeconfigPath));
  let died = false;
  const die = () => {
    died = true;
    stop.abort();
  };
  const common = {
    client: mortal(client, death, die),
    namespace: 'default',
    identity: 'mortal',
    credentialKeys: () => noCredentials,
    metrics: createMetrics(new Registry()),
    onTrouble: () => {},
  };
  const ended = run(common, stop.signal).catch(() => {});
  await until(async () => died || (await isDone()));
  stop.abort();
  await ended;
  return died;
}
