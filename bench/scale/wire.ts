import type { Socket } from 'node:net';
import { deserialize, serialize } from 'node:v8';
import type { HostEvent } from '#drivers/driver.js';
import type { DriverErrorCode } from '#drivers/error.js';

/** What an agent asks of a fake host in another process. The first message says which host is meant. */
export type Asked =
  | { readonly kind: 'hello'; readonly uri: string }
  | { readonly kind: 'call'; readonly id: number; readonly facet: string; readonly verb: string; readonly args: readonly unknown[] }
  | { readonly kind: 'watch' };

/** What it is told. Events come after a `watch`. */
export type Told =
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'refusal'; readonly id: number; readonly code: DriverErrorCode; readonly message: string }
  | { readonly kind: 'event'; readonly event: HostEvent };

const headBytes = 4;

/** As long as the head says, then the value as V8 copies it. */
export function send(socket: Socket, message: Asked | Told): void {
  const body = serialize(message);
  const head = Buffer.alloc(headBytes);
  head.writeUInt32BE(body.length);
  socket.cork();
  socket.write(head);
  socket.write(body);
  socket.uncork();
}

/** Both ends are of one build, and of one user: what comes is what was sent. */
export function onMessages<M extends Asked | Told>(socket: Socket, take: (message: M) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= headBytes && rest.length >= headBytes + rest.readUInt32BE()) {
      const end = headBytes + rest.readUInt32BE();
      const message = deserialize(rest.subarray(headBytes, end)) as M;
      rest = rest.subarray(end);
      take(message);
    }
  });
}
