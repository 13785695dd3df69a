import { setTimeout as sleep } from 'node:timers/promises';
import type { Simulator } from '#simulators/hyperv/simulator.js';
import { isChange } from './hyperv-lab.js';
import type { OperatorProcess } from './operator-process.js';

/** At what is under way. */
const isLook = (what: string): boolean => /Msvm_\w+Job WHERE JobState < 7|Msvm_AffectedJobElement/.test(what);

interface Held {
  readonly method: string;
  /** Which of the agent's lives asked for it. */
  readonly life: number;
  phase: 'begun' | 'left';
  /** How often another life has asked the same about what is under way. */
  readonly looks: Map<string, number>;
  readonly release: () => void;
}

/**
 * Whatever the agent asks the host to change kills it, in turn: before the host hears of it, once the host has heard, and while it waits for the job,
 * which then goes on until another agent has looked.
 */
export class Reaper {
  kills = 0;
  /** How many times it may have killed at most. */
  mayKill = 0;
  /** Changes of what a job of a former life was still at. */
  readonly doubled: string[] = [];
  readonly #simulator: Simulator;
  readonly #agent: OperatorProcess;
  #held: Held | undefined;
  #life = 0;
  /** What a killed agent had asked still comes in: it is done, and kills nobody. */
  #isKilling = false;

  constructor(simulator: Simulator, agent: OperatorProcess) {
    this.#simulator = simulator;
    this.#agent = agent;
    simulator.host.troubles.add('*', { kind: 'meet', act: (what) => this.#meet(what) });
  }

  async #meet(what: string): Promise<void> {
    if (this.#isKilling) return;
    if (this.#held !== undefined) return this.#watch(what, this.#held);
    if (!isChange(what) || this.kills >= this.mayKill) return;
    this.kills += 1;
    const method = what.slice(what.indexOf('.') + 1);
    if (this.kills % 3 === 1 && !/^(Delete|Initiate)/.test(method)) return this.#hold(method);
    const isHeard = this.kills % 3 !== 2;
    const begin = await this.#kill();
    void begin();
    if (!isHeard) throw new Error('it is not heard');
  }

  /** Gives what begins the next life. Whatever the host has heard it does before that looks. */
  async #kill(): Promise<() => Promise<void>> {
    this.#isKilling = true;
    await this.#agent.kill9();
    return async () => {
      await sleep(100);
      this.#life += 1;
      await this.#agent.restart();
      this.#isKilling = false;
    };
  }

  #hold(method: string): void {
    let release = () => {};
    const promise = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#held = { method, life: this.#life, phase: 'begun', looks: new Map(), release };
    this.#simulator.host.troubles.add(method, { kind: 'hold', until: promise }, 1);
  }

  /** The job is asked for, and so it is known; another life looks what is under way, again and again, or has nothing to wait for. */
  async #watch(what: string, held: Held): Promise<void> {
    // Whoever asked for it is dead: nobody will ever ask how it goes.
    if (held.life !== this.#life) held.phase = 'left';
    if (held.phase === 'begun' && /^Get Msvm_\w+Job$/.test(what)) {
      const begin = await this.#kill();
      await begin();
      held.phase = 'left';
    } else if (held.phase === 'left' && isChange(what)) this.doubled.push(`${what} beside ${held.method}`);
    else if (held.phase === 'left' && isLook(what)) {
      if (held.looks.size === 0) setTimeout(() => this.#letGo(held), 3_000);
      const times = (held.looks.get(what) ?? 0) + 1;
      held.looks.set(what, times);
      if (times === 4) this.#letGo(held);
    }
  }

  #letGo(held: Held): void {
    if (this.#held === held) this.#held = undefined;
    held.release();
  }
}
