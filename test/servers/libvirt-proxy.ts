import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';
import { encodeFrame, type Frame, FrameCutter, messageTypes, programs } from '#drivers/libvirt/rpc/frame.js';

/** A call on its way to the daemon. */
export interface Call {
  /** As in libvirt's remote_protocol.x. */
  readonly procedure: number;
  readonly body: Buffer;
  /** Lets the daemon do it, and resolves when it has answered; nobody else hears the answer. */
  done(): Promise<void>;
}

/** What becomes of a call: it goes its way, or its connection breaks. */
export type Trouble = (call: Call) => Promise<'pass' | 'cut'>;

/** Stands before a daemon's socket, and makes the troubles that it does not have. */
export class LibvirtProxy implements AsyncDisposable {
  readonly path: string;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((client) => this.#serve(client));
  readonly #target: string;
  #trouble: Trouble = async () => 'pass';

  private constructor(path: string, target: string) {
    this.path = path;
    this.#target = target;
  }

  static async start(path: string, target: string): Promise<LibvirtProxy> {
    const proxy = new LibvirtProxy(path, target);
    proxy.#server.listen(path);
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** Every call meets it, until there is another; calls of one connection one after the other. */
  meet(trouble: Trouble): void {
    this.#trouble = trouble;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(client: Socket): void {
    const daemon = createConnection(this.#target);
    const cut = () => [client, daemon].forEach((socket) => void socket.destroy());
    for (const socket of [client, daemon]) {
      this.#sockets.add(socket);
      socket.on('error', cut).once('close', () => {
        this.#sockets.delete(socket);
        cut();
      });
    }
    const kept = new Map<number, () => void>();
    const [asked, told] = [new FrameCutter(), new FrameCutter()];
    let before: Promise<void> = Promise.resolve();
    const pass = async (frame: Frame) => {
      const forward = () => daemon.write(encodeFrame(frame.header, frame.body));
      if (!isCall(frame)) return void forward();
      const { serial, procedure } = frame.header;
      const done = () =>
        new Promise<void>((resolve, reject) => {
          kept.set(serial, resolve);
          daemon.once('close', () => reject(new Error('the daemon hung up')));
          forward();
        });
      if ((await this.#trouble({ procedure, body: frame.body, done })) === 'cut') cut();
      else if (!kept.has(serial)) forward();
    };
    client.on('data', (chunk) => {
      for (const frame of asked.push(chunk)) before = before.then(() => pass(frame)).catch(cut);
    });
    daemon.on('data', (chunk) => {
      for (const frame of told.push(chunk)) {
        const keep = frame.header.type === messageTypes.reply ? kept.get(frame.header.serial) : undefined;
        if (keep === undefined) client.write(encodeFrame(frame.header, frame.body));
        else keep();
      }
    });
  }
}

const isCall = ({ header }: Frame): boolean => header.program === programs.remote && header.type === messageTypes.call;
