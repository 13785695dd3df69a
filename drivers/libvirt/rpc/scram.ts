import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/** What lets us in where a daemon asks for a password. */
export interface Login {
  readonly username: string;
  readonly password: string;
}

/** The best first. */
export const mechanisms = { 'SCRAM-SHA-512': 'sha512', 'SCRAM-SHA-256': 'sha256' } as const;
export type Mechanism = keyof typeof mechanisms;

/** That the other side does not speak SCRAM, or does not know the password itself. */
export class ScramError extends Error {
  override readonly name = 'ScramError';
}

/** RFC 7677 asks for the least; beyond the most a hostile host would keep us reckoning. */
const iterationBounds = { min: 4_096, max: 1_000_000 } as const;
/** No channel binding: the header of the protocol's first message, and what it comes to in base64. */
const header = 'n,,';
const derive = promisify(pbkdf2);

/**
 * The client's side of SCRAM (RFC 5802, RFC 7677). The password does not go over the wire, and who does not know it, or what was made of it, cannot
 * pass for the host.
 */
export class Scram {
  readonly #digest: (typeof mechanisms)[Mechanism];
  readonly #login: Login;
  readonly #nonce: string;
  #serverSignature: Buffer | undefined;
  #isVerified = false;

  constructor(mechanism: Mechanism, login: Login, nonce: string = randomBytes(24).toString('base64')) {
    this.#digest = mechanisms[mechanism];
    this.#login = login;
    this.#nonce = nonce;
  }

  /** Whether the host has proven that it knows the password, too. */
  get isVerified(): boolean {
    return this.#isVerified;
  }

  get #bare(): string {
    return `n=${this.#login.username.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${this.#nonce}`;
  }

  first(): string {
    return header + this.#bare;
  }

  /** What to answer; undefined when nothing is left to be said. */
  async next(challenge: string): Promise<string | undefined> {
    if (this.#serverSignature === undefined) return await this.#prove(challenge);
    this.#verify(challenge, this.#serverSignature);
    return undefined;
  }

  async #prove(challenge: string): Promise<string> {
    const { r: nonce = '', s: salt = '', i: count = '' } = attributes(challenge);
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length)
      throw new ScramError('the nonce of the host is not made of ours');
    const iterations = /^[0-9]{1,9}$/.test(count) ? Number(count) : 0;
    if (iterations < iterationBounds.min || iterations > iterationBounds.max)
      throw new ScramError(`${iterations} iterations were asked for; accepted: ${iterationBounds.min} to ${iterationBounds.max}`);
    const length = createHash(this.#digest).digest().length;
    const salted = await derive(this.#login.password, Buffer.from(salt, 'base64'), iterations, length, this.#digest);
    const final = `c=${Buffer.from(header).toString('base64')},r=${nonce}`;
    const message = [this.#bare, challenge, final].join(',');
    const clientKey = this.#hmac(salted, 'Client Key');
    const signature = this.#hmac(createHash(this.#digest).update(clientKey).digest(), message);
    this.#serverSignature = this.#hmac(this.#hmac(salted, 'Server Key'), message);
    return `${final},p=${Buffer.from(clientKey.map((byte, at) => byte ^ (signature[at] ?? 0))).toString('base64')}`;
  }

  #verify(challenge: string, expected: Buffer): void {
    const { v = '', e } = attributes(challenge);
    if (e !== undefined) throw new ScramError(`the host says ${JSON.stringify(e.slice(0, 100))}`);
    const given = Buffer.from(v, 'base64');
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new ScramError('the host does not know the password');
    this.#isVerified = true;
  }

  #hmac(key: Buffer, text: string): Buffer {
    return createHmac(this.#digest, key).update(text).digest();
  }
}

/** By the letters before their `=`. */
function attributes(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(text.split(',').map((part) => [part.slice(0, 1), part.slice(2)]));
}
