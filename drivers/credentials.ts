import { inspect } from 'node:util';
import { DriverError } from './error.js';

const redacted = '[redacted]';

/** Bytes by key. Whoever prints, logs or serialises them gets `[redacted]`. */
export class Credentials {
  readonly #values: ReadonlyMap<string, Uint8Array>;

  constructor(values: Iterable<readonly [key: string, value: Uint8Array]>) {
    this.#values = new Map(values);
  }

  get keys(): readonly string[] {
    return [...this.#values.keys()];
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  get(key: string): Uint8Array | undefined {
    return this.#values.get(key);
  }

  /** For names and passwords. Invalid when it is no UTF-8, or has a control character, as the line break that editors leave: a host would count it as a wrong password. */
  text(key: string): string | undefined {
    const bytes = this.#values.get(key);
    if (bytes === undefined) return undefined;
    const text = decodeUtf8(bytes);
    if (text === undefined) throw new DriverError('Invalid', `credentials: key "${key}" is not UTF-8 text`);
    if (/\p{Cc}/u.test(text))
      throw new DriverError(
        'Invalid',
        `credentials: key "${key}" has a line break or another control character; write it without, as printf %s does`,
      );
    return text;
  }

  /** These keys alone, of those that are there. */
  only(keys: readonly string[]): Credentials {
    return new Credentials([...this.#values].filter(([key]) => keys.includes(key)));
  }

  /** And these, which win. */
  with(more: Iterable<readonly [key: string, value: Uint8Array]>): Credentials {
    return new Credentials([...this.#values, ...more]);
  }

  equals(other: Credentials): boolean {
    return this.#values.size === other.#values.size && [...this.#values].every(([key, value]) => isSame(value, other.#values.get(key)));
  }

  toString(): string {
    return redacted;
  }

  toJSON(): string {
    return redacted;
  }

  [inspect.custom](): string {
    return redacted;
  }
}

const isSame = (one: Uint8Array, other: Uint8Array | undefined): boolean => other !== undefined && Buffer.compare(one, other) === 0;

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
