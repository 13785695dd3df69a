import type { Socket } from 'node:net';

/** Those who came first and have not said who they are make room for those who come now. */
const mostWaiting = 64;
const patienceMs = 15_000;

interface Waiting {
  readonly socket: Socket;
  readonly timer: NodeJS.Timeout;
}

/** Connections between their first byte and the moment they are let in: so many, and so long. */
export class WaitingRoom {
  readonly #waiting = new Map<string, Waiting>();
  readonly #onSlow: () => void;

  constructor(onSlow: () => void) {
    this.#onSlow = onSlow;
  }

  enter(socket: Socket): void {
    const key = keyOf(socket);
    const timer = setTimeout(() => this.#turnAway(key), patienceMs);
    this.#waiting.set(key, { socket, timer });
    socket.once('close', () => this.leave(key));
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size > mostWaiting && oldest !== undefined) this.#turnAway(oldest);
  }

  /** Who it is, is known: it may stay. */
  letIn(socket: Socket): void {
    this.leave(keyOf(socket));
  }

  leave(key: string): void {
    clearTimeout(this.#waiting.get(key)?.timer);
    this.#waiting.delete(key);
  }

  empty(): void {
    for (const { socket } of this.#waiting.values()) socket.destroy();
  }

  #turnAway(key: string): void {
    this.#waiting.get(key)?.socket.destroy();
    this.leave(key);
    this.#onSlow();
  }
}

/** A connection and the TLS on it are two sockets with one peer. */
const keyOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
