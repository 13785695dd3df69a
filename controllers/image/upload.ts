import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { Body, tooLarge } from './body.js';
import { ImageError } from './error.js';
import type { RemoteImage } from './remote.js';

const name = 'the upload';
const idleMs = 60_000;

/** What somebody sends us, as an image. It is left open to be answered, whatever becomes of its content. */
export function receiveImage(request: IncomingMessage, maxBytes: number, signal: AbortSignal): RemoteImage {
  const bytes = Number(request.headers['content-length']);
  if (bytes > maxBytes) throw tooLarge(name, maxBytes, bytes);
  const content = Readable.from(request.iterator({ destroyOnReturn: false }));
  const end = () => content.destroy(new ImageError('Aborted', `${name}: given up before its end`));
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  const body = new Body(content, name, { maxBytes, idleMs }, signal);
  return {
    name,
    bytes,
    offset: 0,
    endKnown: true,
    head: (wanted) => body.head(wanted),
    content: { [Symbol.asyncIterator]: () => body.content() },
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', end);
      await body[Symbol.asyncDispose]();
    },
  };
}
