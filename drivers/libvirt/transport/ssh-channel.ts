import { Duplex } from 'node:stream';
import type { Client, ClientChannel } from 'ssh2';
import { DriverError } from '#drivers/error.js';

/** A channel, or the number that SSH has for why there is none (RFC 4254, 5.1). */
export type Opened = { readonly channel: ClientChannel } | { readonly refused: number | undefined; readonly words: string };

export const connectFailed = 2;

type Done = (error: Error | undefined, channel: ClientChannel) => void;

/** What is opened when nobody waits for it any more is closed again by whoever asks. */
function opened(open: (done: Done) => void): Promise<Opened> {
  return new Promise((resolve) => {
    const done: Done = (error, channel) =>
      resolve(error === undefined ? { channel } : { refused: 'reason' in error ? Number(error.reason) : undefined, words: error.message });
    try {
      open(done);
    } catch (error) {
      resolve({ refused: undefined, words: error instanceof Error ? error.message : String(error) });
    }
  });
}

export const forwardToSocket = (client: Client, path: string): Promise<Opened> =>
  opened((done) => client.openssh_forwardOutStreamLocal(path, done));

export const forwardToPort = (client: Client, host: string, port: number): Promise<Opened> =>
  opened((done) => client.forwardOut('127.0.0.1', 0, host, port, done));

export const execute = (client: Client, command: string): Promise<Opened> => opened((done) => client.exec(command, done));

const mostWords = 2_048;

/** What a program says to its end; of its words the first 2 KiB. */
export async function outputOf(channel: ClientChannel): Promise<string> {
  let words = '';
  channel.stderr.resume();
  for await (const chunk of channel) words = (words + String(chunk)).slice(0, mostWords);
  return words.trim();
}

/** Input and output of a program that runs there; that it failed, and what it says of that, is an error of the output. */
export class ProgramStream extends Duplex {
  readonly #channel: ClientChannel;

  constructor(channel: ClientChannel, peer: string) {
    super();
    this.#channel = channel;
    let words = '';
    let code: number | null | undefined;
    channel.stderr.on('data', (chunk) => {
      words = (words + String(chunk)).slice(0, mostWords);
    });
    channel.on('exit', (status: number | null) => {
      code = status;
    });
    channel.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) channel.pause();
    });
    // How it ended comes behind the end of its output.
    channel.once('close', () => {
      if (code === undefined || code === 0) this.push(null);
      else
        this.destroy(
          new DriverError('Unavailable', `${peer}: what leads to the daemon failed: ${words.trim() || `it ended with ${code}`}`),
        );
    });
  }

  override _read(): void {
    this.#channel.resume();
  }

  /** What becomes of words to a program that is gone, its end tells. */
  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    this.#channel.write(chunk, () => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#channel.destroy();
    done(error);
  }
}
