import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';

interface Images extends AsyncDisposable {
  readonly url: string;
}

/** The files of a folder over http, on loopback, as long as the demo is being brought up. */
export async function serveImages(folder: string, port = 0): Promise<Images> {
  const server = createServer((request, response) => {
    const file = createReadStream(join(folder, basename(request.url ?? '')));
    file.once('open', () => response.writeHead(200));
    pipeline(file, response).catch(() => response.headersSent || response.writeHead(404).end());
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
