/** RC4, which OpenSSL 3 no longer has and NTLM still seals with. One key, one stream: what was passed through is part of its state. */
export class Rc4 {
  readonly #box: Uint8Array;
  #i = 0;
  #j = 0;

  constructor(key: Uint8Array) {
    this.#box = Uint8Array.from({ length: 256 }, (_, at) => at);
    for (let i = 0, j = 0; i < 256; i++) {
      j = (j + this.#at(i) + (key[i % key.length] ?? 0)) & 0xff;
      this.#swap(i, j);
    }
  }

  /** There and back are the same. */
  pass(data: Uint8Array): Buffer {
    const out = Buffer.alloc(data.length);
    for (const [at, byte] of data.entries()) out[at] = byte ^ this.#next();
    return out;
  }

  #next(): number {
    this.#i = (this.#i + 1) & 0xff;
    this.#j = (this.#j + this.#at(this.#i)) & 0xff;
    this.#swap(this.#i, this.#j);
    return this.#at((this.#at(this.#i) + this.#at(this.#j)) & 0xff);
  }

  #at(index: number): number {
    return this.#box[index] ?? 0;
  }

  #swap(i: number, j: number): void {
    const kept = this.#at(i);
    this.#box[i] = this.#at(j);
    this.#box[j] = kept;
  }
}
