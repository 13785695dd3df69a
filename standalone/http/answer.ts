import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type JsonObject, textOf } from '../json.js';
import { StatusError } from '../requests/status.js';
import { TooLarge } from '../store/store.js';
import { messageOf } from '../trouble.js';

const compress = promisify(gzip);
/** Below this, packing costs more than it spares. */
const packedAboveBytes = 128 * 1024;

export interface Answer {
  readonly code: number;
  /** Bytes go as they are. */
  readonly body: JsonObject | Uint8Array;
  readonly type?: string;
}

export async function send(
  request: IncomingMessage,
  response: ServerResponse,
  { code, body, type = 'application/json' }: Answer,
): Promise<void> {
  if (response.destroyed) return;
  const bytes = body instanceof Uint8Array ? body : Buffer.from(textOf(body));
  const packs = bytes.length > packedAboveBytes && /\bgzip\b/.test(`${request.headers['accept-encoding'] ?? ''}`);
  const content = packs ? await compress(bytes, { level: 1 }) : bytes;
  response.writeHead(code, { 'Content-Type': type, 'Content-Length': content.length, ...(packs ? { 'Content-Encoding': 'gzip' } : {}) });
  response.end(content);
}

export function statusOf(reason: unknown): StatusError {
  if (reason instanceof StatusError) return reason;
  if (reason instanceof TooLarge) return new StatusError(413, 'RequestEntityTooLarge', reason.message);
  return new StatusError(500, 'InternalError', `Internal error occurred: ${messageOf(reason)}`);
}

/** A text within a header: nothing of it ends the header. */
export const warningHeader = (text: string): string => `299 - "${text.replace(/[^ -~]/g, '?').replace(/(["\\])/g, '\\$1')}"`;
