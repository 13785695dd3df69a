/** RC4, which OpenSSL 3 no longer has and NTLM still seals with. One key, one stream: what was passed through is part of its state. */
export class Rc4 {
  readonly #box: Uint8Array;
  #i = 0;
  #j = 0;

  constructor(key: Uint8Array) {
    const box = Uint8Array.from({ length: 256 }, (_, at) => at);
    for (let i = 0, j = 0; i < 256; i++) {
      const kept = box[i] ?? 0;
      j = (j + kept + (key[i % key.length] ?? 0)) & 0xff;
      box[i] = box[j] ?? 0;
      box[j] = kept;
    }
    this.#box = box;
  }

  /** There and back are the same. Every byte of every message goes through here, so its state is in plain variables meanwhile. */
  pass(data: Uint8Array): Buffer {
    const box = this.#box;
    const out = Buffer.alloc(data.length);
    let [i, j] = [this.#i, this.#j];
    for (let at = 0; at < data.length; at += 1) {
      i = (i + 1) & 0xff;
      const a = box[i] ?? 0;
      j = (j + a) & 0xff;
      const b = box[j] ?? 0;
      box[i] = b;
      box[j] = a;
      out[at] = (data[at] ?? 0) ^ (box[(a + b) & 0xff] ?? 0);
    }
    [this.#i, this.#j] = [i, j];
    return out;
  }
}
