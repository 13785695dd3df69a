import { createHash } from 'node:crypto';
import { DriverError } from '#drivers/error.js';

/** A host locks an account after a few wrong passwords, for a quarter of an hour by default; in milliseconds. */
const rememberedMs = 5 * 60_000;

/**
 * Logins that a host has refused, kept as long as the process lives: who is refused comes again and again, and would lock out whoever
 * else uses the account. Another password is tried at once.
 */
export class Refusals {
  readonly #refused = new Map<string, { readonly error: DriverError; readonly at: number }>();
  readonly #isRefusal: (reason: DriverError) => boolean;
  readonly #now: () => number;

  constructor(isRefusal: (reason: DriverError) => boolean, now: () => number = () => performance.now()) {
    this.#isRefusal = isRefusal;
    this.#now = now;
  }

  /** `login` is all that is shown to the host. */
  async unlessRefused<T>(
    { host, port }: { readonly host: string; readonly port: number },
    login: Readonly<Record<string, string>>,
    act: () => Promise<T>,
  ): Promise<T> {
    // A password is kept nowhere longer than it is needed.
    const key = createHash('sha256')
      .update(JSON.stringify([host, port, login]))
      .digest('hex');
    const refused = this.#refused.get(key);
    if (refused !== undefined && this.#now() - refused.at < rememberedMs) throw again(refused.error);
    this.#refused.delete(key);
    return act().catch((reason) => {
      if (reason instanceof DriverError && this.#isRefusal(reason)) this.#refused.set(key, { error: reason, at: this.#now() });
      throw reason;
    });
  }
}

function again({ message, cause }: DriverError): DriverError {
  return new DriverError('Denied', `${message}; not tried again yet, as that could lock the account`, { cause });
}
