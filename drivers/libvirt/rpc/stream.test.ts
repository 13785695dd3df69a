import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { DriverError } from '#drivers/error.js';
import { StreamEnd } from './stream.js';

setFlagsFromString('--expose_gc');
const collectGarbage: () => void = runInNewContext('gc');

t.test('what has left a stream is not kept', async (t) => {
  const sent: WeakRef<Uint8Array>[] = [];
  async function* content() {
    for (let count = 0; count < 100; count++) {
      const chunk = Buffer.alloc(1_024);
      sent.push(new WeakRef(chunk));
      yield chunk;
      await turn();
    }
    collectGarbage();
  }
  await new StreamEnd(async () => {}).writeAll(content());
  const kept = sent.filter((chunk) => chunk.deref() !== undefined).length;
  t.ok(kept < 10, `${kept} of ${sent.length} packets are held in memory`);
});

t.test('whatever waits for a stream fails with it, and so does what comes later', async (t) => {
  const end = new StreamEnd(() => new Promise(() => {}));
  const waiting = [end.write(Buffer.alloc(1)), end.finish()];
  end.interrupt(new DriverError('TimedOut', 'nobody waits'));
  end.lose(new DriverError('Unavailable', 'gone'));
  for (const each of [...waiting, end.write(Buffer.alloc(1)), end.finish()]) await t.rejects(each, { code: 'TimedOut' });
});
