import { setMaxListeners } from 'node:events';
import { Registry } from 'prom-client';
import type { ControllerOptions } from '#controllers/cluster/controller.js';
import { type Client, createClient, loadKubeConfig } from '#controllers/kubernetes/client.js';
import type { Resource } from '#controllers/kubernetes/resource.js';
import { createMetrics } from '#controllers/metrics.js';
import type { Driver } from '#drivers/driver.js';
import { noCredentials } from '#drivers/target.js';
import { until } from './until.js';
import type { World } from './world.js';

/** When a process dies: before its write of that number reaches its end, or once it is made, with no answer heard. The first is 1. */
export interface Death {
  readonly when: 'before' | 'after';
  readonly write: number;
}

/** Counts the steps of a process, and ends it at the one that is meant: none is made after that. */
export class Fate {
  readonly #death: Death;
  readonly #die: () => void;
  #begun = 0;

  constructor(death: Death, die: () => void) {
    this.#death = death;
    this.#die = die;
  }

  async step<T>(act: () => Promise<T>): Promise<T> {
    const { when, write } = this.#death;
    const last = when === 'before' ? write - 1 : write;
    const number = ++this.#begun;
    if (number > last) return this.#end();
    const answer = await act();
    return when === 'after' && number === last ? this.#end() : answer;
  }

  #end(): never {
    this.#die();
    throw new Error('it is dead');
  }
}

const changing = ['create', 'mergePatch', 'apply', 'applyStatus', 'delete'];

/** A client whose writes are steps. What keeps its Leases is not counted: who follows need not wait for them. */
const mortal = (client: Client, fate: Fate): Client =>
  stepping(client, fate, (verb, [resource]) => changing.includes(verb) && (resource as Resource).plural !== 'leases');

const facets = ['machines', 'power', 'live', 'pools', 'volumes', 'networks'];

/** A host on which all that changes something is a step. */
export const mortalHost = (driver: Driver, fate: Fate): Driver =>
  new Proxy(driver, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value === 'function') return value.bind(target);
      if (value === undefined || !facets.includes(String(name))) return value;
      return stepping(value as object, fate, (verb) => !/^(list|read|look|download)/.test(verb));
    },
  });

function stepping<T extends object>(one: T, fate: Fate, isStep: (verb: string, given: readonly unknown[]) => boolean): T {
  return new Proxy(one, {
    get(target, verb) {
      const method = Reflect.get(target, verb, target) as unknown;
      if (typeof method !== 'function') return method;
      return (...given: readonly unknown[]) => {
        const act = () => Reflect.apply(method, target, given);
        return isStep(String(verb), given) ? fate.step(act) : act();
      };
    },
  });
}

/** What a controller and an agent have in common. */
export type Common = Pick<ControllerOptions, 'client' | 'namespace' | 'identity' | 'credentialKeys' | 'metrics' | 'onTrouble'>;

/** Runs it until it dies, or all is done that there was to do. Resolves to whether it died. */
export async function runUntilDead(
  world: World,
  run: (common: Common, signal: AbortSignal, fate: Fate) => Promise<void>,
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
  const fate = new Fate(death, die);
  const common = {
    client: mortal(client, fate),
    namespace: 'default',
    identity: 'mortal',
    credentialKeys: () => noCredentials,
    metrics: createMetrics(new Registry()),
    onTrouble: () => {},
  };
  const ended = run(common, stop.signal, fate).catch(() => {});
  await until(async () => died || (await isDone()));
  stop.abort();
  await ended;
  return died;
}
