import type { ApiServer } from '#test/cluster/api-server.js';
import { counted, servedSeconds, servedWrites, since } from './counters.js';
import type { Counters, Part, Spread } from './figures.js';
import type { Fleet } from './fleet.js';
import { load, nothing, total, type Usage, usageOf } from './usage.js';

interface Reading extends Counters {
  readonly at: number;
}

/** Reads all counters before and after each part of the life. */
export class Meter {
  readonly parts: Part[] = [];
  readonly #fleet: Fleet;
  readonly #server: ApiServer;
  readonly #say: (text: string) => void;

  constructor(fleet: Fleet, server: ApiServer, say: (text: string) => void) {
    this.#fleet = fleet;
    this.#server = server;
    this.#say = say;
  }

  async part(name: string, work: () => Promise<unknown>): Promise<void> {
    const before = this.parts.length === 0 ? start() : await this.#read();
    const waits = await work();
    const seconds = (performance.now() - before.at) / 1_000;
    const now = await this.#read();
    const part: Part = {
      name,
      seconds,
      load: load(),
      writes: {
        controller: since(before.writes.controller, now.writes.controller),
        agents: since(before.writes.agents, now.writes.agents),
      },
      reads: since(before.reads, now.reads),
      served: since(before.served, now.served),
      servedSeconds: since(before.servedSeconds, now.servedSeconds),
      controller: used(before.controller, now.controller),
      agents: used(before.agents, now.agents),
      hosts: used(before.hosts, now.hosts),
      apiServer: used(before.apiServer, now.apiServer),
      ...(isSpread(waits) ? { waits } : {}),
    };
    this.parts.push(part);
    this.#say(inWords(part));
  }

  async #read(): Promise<Reading> {
    const served = await this.#served();
    const [controller, agents, hosts, apiServer] = await Promise.all([
      this.#fleet.controller.usage(),
      this.#fleet.agentsUsage(),
      this.#fleet.hostsUsage(),
      Promise.all(this.#server.pids.map(usageOf)).then(total),
    ]);
    const writes = { controller: await this.#fleet.controller.writes(), agents: await this.#fleet.agentsWrites() };
    const reads = await this.#fleet.reads();
    return {
      at: performance.now(),
      writes,
      reads,
      served: servedWrites(served),
      servedSeconds: servedSeconds(served),
      controller,
      agents,
      hosts,
      apiServer,
    };
  }

  async #served(): Promise<string> {
    const { stdout, stderr, code } = await this.#server.kubectl('get', '--raw', '/metrics');
    // Nothing read would pass for nothing written.
    if (code !== 0) throw new Error(`the API server's metrics cannot be read: ${stderr}`);
    return stdout;
  }
}

/** As it goes, so that a run that is broken off tells what it found. */
function inWords({ name, seconds, load, waits, controller, agents, apiServer, served }: Part): string {
  const used = ({ cpuSeconds, peakMiB }: Usage) => `${cpuSeconds.toFixed(0)} s CPU, at most ${peakMiB.toFixed(0)} MiB`;
  const waited = waits === undefined ? '' : `, p50 ${waits.p50.toFixed(2)} s, p95 ${waits.p95.toFixed(2)} s, p99 ${waits.p99.toFixed(2)} s`;
  const who = `controller ${used(controller)}; agents ${used(agents)}; API server ${used(apiServer)}`;
  return `${name}: ${seconds.toFixed(1)} s, load ${load.toFixed(1)}${waited}; ${who}; written: ${counted(served)}`;
}

const start = (): Reading => ({
  at: performance.now(),
  writes: { controller: {}, agents: {} },
  reads: {},
  served: {},
  servedSeconds: {},
  controller: nothing,
  agents: nothing,
  hosts: nothing,
  apiServer: nothing,
});

const used = (before: Usage, now: Usage): Usage => ({ ...now, cpuSeconds: now.cpuSeconds - before.cpuSeconds });

const isSpread = (value: unknown): value is Spread => typeof value === 'object' && value !== null && 'p50' in value;
