import { setTimeout as sleep } from 'node:timers/promises';
import { isReady } from '#controllers/conditions.js';
import { type Client, createClient, loadKubeConfig } from '#controllers/kubernetes/client.js';
import type { KubernetesObject } from '#controllers/kubernetes/resource.js';
import { hypervisors, storagePools, storageVolumes, virtualMachines } from '#crds/types.js';
import type { ApiServer } from '#test/cluster/api-server.js';
import type { Component } from './component.js';
import { type Part, spreadOf } from './figures.js';
import { Fleet } from './fleet.js';
import * as manifests from './manifests.js';
import { Meter } from './meter.js';
import { atRate, until } from './pace.js';
import { Sightings } from './sightings.js';

export interface Size {
  readonly machines: number;
  readonly hosts: number;
  readonly agents: number;
  /** Machines created a second. */
  readonly perSecond: number;
  readonly idleSeconds: number;
  /** Every so manieth machine is changed behind our back. */
  readonly driftEveryNth: number;
}

export interface LifeOptions {
  readonly server: ApiServer;
  readonly size: Size;
  readonly profiles?: string;
  readonly say: (text: string) => void;
}

/** The whole life of many machines on many hosts, part by part. The CRDs are in the server. */
export async function live({ server, size, profiles, say }: LifeOptions): Promise<readonly Part[]> {
  await using client = createClient(await loadKubeConfig(server.kubeconfigPath), { userAgent: 'bench', timeoutMs: 120_000 });
  await using fleet = await Fleet.prepare({ server, ...size, ...(profiles === undefined ? {} : { profiles }) });
  const over = new AbortController();
  const life = new Life(
    {
      client,
      fleet,
      size,
      meter: new Meter(fleet, server, say),
      sightings: new Sightings(),
      killing: profiles === undefined ? 'SIGKILL' : 'SIGTERM',
    },
    over.signal,
  );
  try {
    return await life.run();
  } finally {
    over.abort();
  }
}

interface Parts {
  readonly client: Client;
  readonly fleet: Fleet;
  readonly size: Size;
  readonly meter: Meter;
  readonly sightings: Sightings;
  /** A process that is killed leaves no profile. */
  readonly killing: 'SIGKILL' | 'SIGTERM';
}

class Life {
  readonly #parts: Parts;
  readonly #signal: AbortSignal;

  constructor(parts: Parts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
  }

  async run(): Promise<readonly Part[]> {
    const { client, fleet, meter, sightings, size } = this.#parts;
    await meter.part('hosts come up', () => this.#begin());
    const looking = sightings.follow(client, this.#signal).catch((reason: unknown) => {
      if (!this.#signal.aborted) throw reason;
    });
    const life = async () => {
      await meter.part('created', () => this.#create());
      await meter.part('settled', () => this.#settle(fleet.all));
      await meter.part('idle', () => sleep(size.idleSeconds * 1_000));
      await meter.part('drifted', () => this.#drift());
      await this.#settle(fleet.all);
      await meter.part('agents killed', () => this.#restart(fleet.agents));
      await meter.part('controller killed', () => this.#restart([fleet.controller]));
      await meter.part('deleted', () => this.#delete());
    };
    await Promise.race([life(), looking.then(() => new Promise<never>(() => {}))]);
    return meter.parts;
  }

  async #begin(): Promise<void> {
    const { client, fleet, size } = this.#parts;
    fleet.controller.start();
    for (const agent of fleet.agents) agent.start();
    await client.create(storagePools, manifests.storagePool, this.#signal);
    await atRate(size.hosts, 100, (number) => client.create(hypervisors, manifests.hypervisor(number), this.#signal));
    await until('all hosts have the pool', async () => isReady(await this.#pool()));
    await this.#settle(fleet.all);
  }

  async #pool(): Promise<KubernetesObject & Parameters<typeof isReady>[0]> {
    const raw = await this.#parts.client.get(storagePools, { name: manifests.pool }, this.#signal);
    return raw as KubernetesObject & Parameters<typeof isReady>[0];
  }

  async #create() {
    const { client, size, sightings } = this.#parts;
    const asked = new Map<string, number>();
    await atRate(size.machines, size.perSecond, async (number) => {
      asked.set(manifests.machineName(number), performance.now());
      await client.create(virtualMachines, manifests.machine(number), this.#signal);
    });
    await until('all machines are Ready', async () => sightings.ready.size === size.machines);
    return spreadBetween(asked, sightings.ready);
  }

  async #drift(): Promise<void> {
    const { fleet, size } = this.#parts;
    await fleet.onHosts({ kind: 'drift', everyNth: size.driftEveryNth });
    await until('what was changed is as it was', async () => (await fleet.onHosts({ kind: 'count' })).sound === size.machines, {
      everyMs: 50,
    });
  }

  async #restart(components: readonly Component[]): Promise<void> {
    await Promise.all(components.map((one) => one.kill(this.#parts.killing)));
    for (const one of components) one.start();
    await until('they have read everything', async () => (await Promise.all(components.map((one) => one.isReady()))).every(Boolean));
    await this.#settle(components);
  }

  async #delete() {
    const { client, fleet, size, sightings } = this.#parts;
    const asked = new Map<string, number>();
    await atRate(size.machines, 2 * size.perSecond, async (number) => {
      const name = manifests.machineName(number);
      asked.set(name, performance.now());
      await client.delete(virtualMachines, { name, namespace: manifests.namespace }, {}, this.#signal);
    });
    await until('all machines are gone', async () => sightings.gone.size === size.machines);
    const volumes = () => client.list(storageVolumes, { namespace: manifests.namespace, limit: 1 }, this.#signal);
    await until('their volumes are gone, too', async () => (await volumes()).items.length === 0, { everyMs: 1_000 });
    const { machines } = await fleet.onHosts({ kind: 'count' });
    if (machines > 0) throw new Error(`${machines} machines are left on the hosts`);
    return spreadBetween(asked, sightings.gone);
  }

  /** No key waits, and no pass was done from one look to the next, but those that come again by themselves. */
  async #settle(components: readonly Component[]): Promise<void> {
    await Promise.all(components.map((one) => this.#settled(one)));
  }

  async #settled(component: Component): Promise<void> {
    let before = Number.NaN;
    await until(
      'nothing is left to do',
      async () => {
        const { passes, waiting } = await component.work();
        const isQuiet = waiting === 0 && passes - before <= this.#parts.size.hosts * passesOfIdleHost;
        before = passes;
        return isQuiet;
      },
      { everyMs: 500 },
    );
  }
}

/** In half a second: each host is looked after every five. */
const passesOfIdleHost = 0.3;

const spreadBetween = (from: ReadonlyMap<string, number>, to: ReadonlyMap<string, number>) =>
  spreadOf([...from].map(([name, at]) => ((to.get(name) ?? Number.NaN) - at) / 1_000));
