import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import t from 'tap';
import type { WatchEvent } from '../requests/watch.js';
import { Outflow } from './outflow.js';

const server = createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
t.teardown(() => server.close());

const event = (at: number): WatchEvent => ({ type: 'ADDED', object: { at, filling: 'x'.repeat(1_000) } });
const events = (count: number) => Array.from({ length: count }, (_, at) => event(at));

async function watched(): Promise<{ readonly response: ServerResponse; readonly read: Promise<IncomingMessage> }> {
  const request = once(server, 'request') as Promise<[IncomingMessage, ServerResponse]>;
  const read = new Promise<IncomingMessage>((resolve) => get({ port: (server.address() as AddressInfo).port, agent: false }, resolve));
  const [, response] = await request;
  return { response, read };
}

t.test('however slowly somebody reads, all comes in its order, and little is held as text', async (t) => {
  const { response, read } = await watched();
  const outflow = new Outflow(response, (one) => one);
  outflow.begin(events(20_000));
  outflow.add([{ type: 'BOOKMARK', object: { at: 20_000 } }]);
  t.ok(response.writableLength < 1_000_000, `${response.writableLength} of 20 MB`);
  let next = 0;
  for await (const line of createInterface(await read)) {
    const { object } = JSON.parse(line) as WatchEvent;
    if (object['at'] !== next) t.fail(`${object['at']} came for ${next}`);
    next += 1;
    if (next === 20_001) response.end();
  }
  t.equal(next, 20_001);
});

t.test('who falls too far behind is cut off', async (t) => {
  const { response, read } = await watched();
  const outflow = new Outflow(response, (one) => one);
  outflow.begin(events(15_000));
  const reading = await read;
  for (let at = 0; at < 10; at += 1) outflow.add(events(900));
  t.notOk(response.destroyed);
  outflow.add(events(20_000));
  t.ok(response.destroyed);
  outflow.add(events(1));
  await t.rejects(
    (async () => {
      for await (const _ of reading);
    })(),
    { code: 'ECONNRESET' },
  );
});
