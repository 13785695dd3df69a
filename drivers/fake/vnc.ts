import { createCipheriv, randomBytes } from 'node:crypto';
import { DriverError } from '#drivers/error.js';
import type { Queue } from './queue.js';

/** RFC 6143, section 7.1: numbers of the ways to let a viewer in. */
const securityTypes = { none: 1, password: 2 } as const;
const greeting = 'RFB 003.008\n';

/** DES under the password, padded with zeros, of which each byte has its lowest bit first. Thrice DES under one key is DES. */
export function vncResponse(challenge: Uint8Array, password: string): Buffer {
  const key = Buffer.alloc(8);
  key.write(password, 'latin1');
  const mirrored = key.map((byte) => Number.parseInt(byte.toString(2).padStart(8, '0').split('').reverse().join(''), 2));
  const cipher = createCipheriv('des-ede3', Buffer.concat([mirrored, mirrored, mirrored]), null).setAutoPadding(false);
  return Buffer.concat([cipher.update(challenge), cipher.final()]);
}

const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** A screen that never changes, for viewers of RFB 3.8: it greets, asks for the password if there is one, and says what it is called. */
export class VncServer {
  readonly #output: Queue<Uint8Array>;
  readonly #name: string;
  readonly #password: () => string | undefined;
  #heard = Buffer.alloc(0);
  #wanted = greeting.length;
  #next = (_heard: Buffer): void => this.#offer();

  constructor(output: Queue<Uint8Array>, name: string, password: () => string | undefined) {
    this.#output = output;
    this.#name = name;
    this.#password = password;
    output.push(Buffer.from(greeting));
  }

  hear(bytes: Uint8Array): void {
    if (this.#output.ended) throw new DriverError('Conflict', `the viewer of "${this.#name}" has been let go`);
    this.#heard = Buffer.concat([this.#heard, bytes]);
    while (this.#heard.length >= this.#wanted && this.#wanted > 0 && !this.#output.ended) {
      const heard = this.#heard.subarray(0, this.#wanted);
      this.#heard = this.#heard.subarray(this.#wanted);
      this.#next(heard);
    }
  }

  #await(bytes: number, next: (heard: Buffer) => void): void {
    this.#wanted = bytes;
    this.#next = next;
  }

  #offer(): void {
    const type = this.#password() === undefined ? securityTypes.none : securityTypes.password;
    this.#output.push(Uint8Array.from([1, type]));
    this.#await(1, ([taken]) => {
      if (taken !== type) this.#refuse('no such way in');
      else if (type === securityTypes.none) this.#letIn();
      else this.#challenge();
    });
  }

  #challenge(): void {
    const challenge = randomBytes(16);
    this.#output.push(challenge);
    this.#await(16, (response) => {
      if (vncResponse(challenge, this.#password() ?? '').equals(response)) this.#letIn();
      else this.#refuse('Authentication failed');
    });
  }

  #letIn(): void {
    this.#output.push(word(0));
    this.#await(1, () => {
      const format = [32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0];
      const name = Buffer.from(this.#name);
      this.#output.push(Buffer.concat([Uint8Array.from([0, 2, 0, 2, ...format]), word(name.length), name]));
      // Whatever is asked of it then, nothing has changed.
      this.#await(0, () => {});
    });
  }

  #refuse(reason: string): void {
    const text = Buffer.from(reason);
    this.#output.push(Buffer.concat([word(1), word(text.length), text]));
    this.#output.end();
  }
}
