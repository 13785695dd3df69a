import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { DriverError } from '#drivers/error.js';
import { protocol } from './wire.js';

const statuses: Readonly<Record<DriverError['code'], number>> = {
  Denied: 403,
  NotFound: 404,
  Conflict: 409,
  NotOurs: 409,
  Invalid: 422,
  Internal: 500,
  Unsupported: 501,
  Unavailable: 503,
  Busy: 503,
  TimedOut: 503,
  CredentialsMissing: 503,
  Exhausted: 507,
};

/** What an error is to who came in: a status, and words without a stack. */
export function refusalOf(reason: unknown): { readonly status: number; readonly message: string } {
  const status = reason instanceof DriverError ? statuses[reason.code] : 500;
  return { status, message: reason instanceof Error ? reason.message : String(reason) };
}

/** The connection is left open: closed beneath who still sends, it would take the answer along. */
export function answer(response: ServerResponse, status: number, type: string, body: Uint8Array | string): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

/** On a connection of which HTTP has let go. */
export function refuseOn(socket: Duplex, status: number, message: string): void {
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: ${plainText}\r\n`;
  socket.end(`${head}Content-Length: ${Buffer.byteLength(message)}\r\nConnection: close\r\n\r\n${message}`);
}

export function switchOver(socket: Duplex): void {
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${protocol.upgrade}\r\n\r\n`);
}

export const plainText = 'text/plain; charset=utf-8';
