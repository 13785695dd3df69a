import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ApiServer } from '#test/cluster/api-server.js';
import { freePorts } from '#test/cluster/process.js';
import { Component } from './component.js';
import { add, type Counts } from './counters.js';
import type { HostsAnswer, HostsQuestion } from './hosts.js';
import { hostName } from './manifests.js';
import { total, type Usage, usageOf } from './usage.js';

/** As seen from `dist/bench/scale/`. */
const built = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export interface FleetOptions {
  readonly server: ApiServer;
  readonly hosts: number;
  readonly agents: number;
  /** Where profiles of V8 go, if they are wanted. */
  readonly profiles?: string;
}

/** One controller and some agents, each a process, and the fake hosts in one of their own. */
export class Fleet implements AsyncDisposable {
  readonly controller: Component;
  readonly agents: readonly Component[];
  readonly #hosts: ChildProcess;

  private constructor(hosts: ChildProcess, controller: Component, agents: readonly Component[]) {
    this.#hosts = hosts;
    this.controller = controller;
    this.agents = agents;
  }

  /** The hosts alone are up: who needs the others starts them. */
  static async prepare({ server, hosts: count, agents, profiles }: FleetOptions): Promise<Fleet> {
    const socket = join(server.folder, 'hosts.sock');
    const hosts = fork(built('./hosts.js'), [socket]);
    await once(hosts, 'message');
    // Agents inherit it.
    process.env['SCALE_HOSTS'] = socket;
    const ports = await freePorts(agents + 1);
    const profiled = profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`];
    const component = (index: number, name: string, program: string, words: readonly string[]) =>
      new Component({
        argv: [...profiled, program, ...words, '--kubeconfig', server.kubeconfigPath, '--identity', name],
        port: ports[index] ?? 0,
        logFile: join(server.folder, `${name}.log`),
      });
    const controller = component(agents, 'controller', built('../../controllers/main.js'), ['controller']);
    const namesOf = (agent: number) =>
      Array.from({ length: count }, (_, host) => hostName(host)).filter((_, host) => host % agents === agent);
    const workers = Array.from({ length: agents }, (_, agent) =>
      component(agent, `agent-${agent}`, built('./agent.js'), ['agent', ...namesOf(agent).flatMap((name) => ['--hypervisor', name])]),
    );
    return new Fleet(hosts, controller, workers);
  }

  get all(): readonly Component[] {
    return [this.controller, ...this.agents];
  }

  /** Of the agents together. */
  async agentsUsage(): Promise<Usage> {
    return total(await Promise.all(this.agents.map((agent) => agent.usage())));
  }

  async agentsWrites(): Promise<Counts> {
    return add(await Promise.all(this.agents.map((agent) => agent.writes())));
  }

  async reads(): Promise<Counts> {
    return add(await Promise.all(this.all.map((one) => one.reads())));
  }

  hostsUsage(): Promise<Usage> {
    return usageOf(this.#hosts.pid ?? 0);
  }

  async onHosts(question: HostsQuestion): Promise<HostsAnswer> {
    this.#hosts.send(question);
    const [answer] = await once(this.#hosts, 'message');
    return answer as HostsAnswer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all.map((one) => one.kill('SIGTERM')));
    this.#hosts.kill();
  }
}
