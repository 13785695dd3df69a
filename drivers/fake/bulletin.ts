import type { HostEvent } from '#drivers/driver.js';
import { Queue } from './queue.js';

/** Who watches the host, and which of its events they are told. */
export class Bulletin {
  readonly #watchers = new Set<Queue<HostEvent>>();
  #silent = false;
  #losing: { left: number; readonly told: boolean } | undefined;

  /** The next `count` events are lost; watchers are then told of a gap, unless even that is lost. */
  lose(count: number, { told = true } = {}): void {
    this.#losing = { left: count, told };
  }

  /** The host says nothing at all from now on, nor that it does not. */
  silence(silent = true): void {
    this.#silent = silent;
  }

  subscribe(): Queue<HostEvent> {
    const watcher = new Queue<HostEvent>();
    this.#watchers.add(watcher);
    watcher.push({ kind: 'gap' });
    return watcher;
  }

  unsubscribe(watcher: Queue<HostEvent>): void {
    this.#watchers.delete(watcher);
    watcher.end();
  }

  tell(event: HostEvent): void {
    if (this.#silent) return;
    if (this.#losing === undefined) this.#push(event);
    else if (--this.#losing.left <= 0) this.#lost(this.#losing.told);
  }

  #lost(told: boolean): void {
    this.#losing = undefined;
    if (told) this.#push({ kind: 'gap' });
  }

  #push(event: HostEvent): void {
    for (const watcher of this.#watchers) watcher.push(event);
  }
}
