import { randomUUID } from 'node:crypto';
import type { XmlElement } from '#drivers/xml/tree.js';
import type { Happening } from '../cim/namespace.js';
import { problems } from '../cim/problem.js';

/** A listing half told. */
export interface Listing {
  readonly kind: 'listing';
  readonly items: XmlElement[];
}

/** Somebody who waits for events. */
export interface Subscription {
  readonly kind: 'subscription';
  readonly pending: Happening[];
  wake: () => void;
  readonly stop: () => void;
  readonly namespace: string;
  /** In milliseconds since 1970: until when, unless it is renewed. */
  expiresAt: number;
}

export interface ContextLimits {
  /** Of all clients together. */
  readonly max: number;
  /** In milliseconds: what nobody asks about for so long is forgotten. */
  readonly idleMs: number;
}

/** What the service remembers between two requests. */
export class Contexts {
  readonly #limits: ContextLimits;
  readonly #open = new Map<string, { readonly what: Listing | Subscription; usedAt: number }>();

  constructor(limits: ContextLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#open.size;
  }

  /** @throws Problem when there are too many */
  add(what: Listing | Subscription): string {
    this.#forgetIdle();
    if (this.#open.size >= this.#limits.max) throw problems.quota(`${this.#open.size} operations are open, and no more are allowed`);
    const id = `uuid:${randomUUID().toUpperCase()}`;
    this.#open.set(id, { what, usedAt: Date.now() });
    return id;
  }

  /** @throws Problem when it is not there any more */
  find(id: string): Listing | Subscription {
    this.#forgetIdle();
    const found = this.#open.get(id);
    if (found === undefined) throw problems.forgotten();
    found.usedAt = Date.now();
    return found.what;
  }

  forget(id: string): void {
    const found = this.#open.get(id)?.what;
    this.#open.delete(id);
    if (found?.kind !== 'subscription') return;
    found.stop();
    found.wake();
  }

  forgetAll(): void {
    for (const id of [...this.#open.keys()]) this.forget(id);
  }

  #forgetIdle(): void {
    for (const [id, { what, usedAt }] of this.#open)
      if (Date.now() > (what.kind === 'listing' ? usedAt + this.#limits.idleMs : what.expiresAt)) this.forget(id);
  }
}
