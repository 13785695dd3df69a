import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { DriverError } from '#drivers/error.js';
import type { Service } from './opening.js';
import { type Count, pipe } from './pipe.js';
import { answer, plainText, refusalOf, refuseOn, switchOver } from './reply.js';
import { mostQuestionBytes } from './wire.js';

/** Of what was said last, before the connection is closed. */
const lastWordMs = 5_000;

/** One who came in, with all that there is to answer by. */
export type Visit =
  | { readonly kind: 'upgrade'; readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer }
  | { readonly kind: 'request'; readonly request: IncomingMessage; readonly response: ServerResponse };

/** Never rejects: what goes wrong is told to who came in. */
export async function attend(visit: Visit, service: Service, count: Count, signal: AbortSignal): Promise<void> {
  try {
    if (visit.kind === 'upgrade') await carry(visit, service, count, signal);
    else await serve(visit, service, count, signal);
  } catch (reason) {
    const { status, message } = refusalOf(reason);
    turnAway(visit, status, message);
  }
}

export function turnAway(visit: Visit, status: number, message: string): void {
  if (visit.kind === 'upgrade') refuseOn(visit.socket, status, message);
  else answer(visit.response, status, plainText, message);
}

async function carry({ request, socket, head }: Extract<Visit, { kind: 'upgrade' }>, service: Service, count: Count, signal: AbortSignal) {
  if (service.kind !== 'line') return refuseOn(socket, 405, 'this session carries no bytes both ways');
  const { searchParams } = new URL(request.url ?? '/', 'https://agent');
  await using line = await service.open(searchParams, signal);
  if (head.length > 0) socket.unshift(head);
  switchOver(socket);
  await pipe(line, socket, count, signal).catch(() => {});
  await bidFarewell(socket);
}

/** What is still on its way arrives, if it is taken in time. */
async function bidFarewell(socket: Duplex): Promise<void> {
  socket.end();
  await once(socket, 'finish', { signal: AbortSignal.timeout(lastWordMs) }).catch(() => {});
  socket.destroy();
}

async function serve({ request, response }: Extract<Visit, { kind: 'request' }>, service: Service, count: Count, signal: AbortSignal) {
  switch (service.kind) {
    case 'line':
      return answer(response, 426, plainText, 'bytes go both ways here: ask for an upgrade');
    case 'picture': {
      const { type, bytes } = await service.take(signal);
      count('out', bytes.length);
      return answer(response, 200, type, bytes);
    }
    case 'delivery': {
      if (request.headers['content-length'] === undefined)
        return answer(response, 411, plainText, 'say how long the content is: Content-Length');
      await service.receive(request, () => response.writeContinue(), signal);
      count('in', Number(request.headers['content-length']));
      return answer(response, 200, plainText, 'all of it is there');
    }
    case 'question': {
      const asked = await whole(request);
      count('in', Buffer.byteLength(asked));
      const said = await service.answer(asked, signal);
      count('out', Buffer.byteLength(said));
      return answer(response, 200, 'application/json', said);
    }
  }
}

async function whole(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let left = mostQuestionBytes;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    left -= chunk.length;
    if (left < 0) throw new DriverError('Invalid', `more than ${mostQuestionBytes} bytes given; ask of fewer objects at once`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
