import { Duplex } from 'node:stream';
import t from 'tap';
import { openGraphics } from './graphics.js';

const signal = new AbortController().signal;

t.test('a server that has ended its half is written to no more, though the way to it still stands', async (t) => {
  const written: string[] = [];
  const socket = new (class extends Duplex {
    override _read() {}
    override _write(chunk: unknown, _encoding: BufferEncoding, done: () => void) {
      written.push(`${chunk}`);
      done();
    }
    /** As a channel of SSH has it, which waits for the other end. */
    override destroy() {
      return this;
    }
  })();
  const place = { kind: 'port', host: '127.0.0.1', port: 5900 } as const;
  await using viewer = await openGraphics({ reach: async () => socket }, place, signal, signal);
  await viewer.write(Buffer.from('before'), signal);
  socket.push('screen');
  socket.push(null);
  const seen: string[] = [];
  for await (const bytes of viewer.output) seen.push(`${Buffer.from(bytes)}`);
  t.same(seen, ['screen']);
  await t.rejects(viewer.write(Buffer.from('after'), signal), { code: 'Conflict' });
  t.same(written, ['before']);
});
