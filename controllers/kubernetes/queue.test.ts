import fc from 'fast-check';
import t from 'tap';
import { createQueue, type QueueOptions } from '#controllers/kubernetes/queue.js';
import { ManualClock, settle } from '#test/cluster/manual-clock.js';

interface Rig {
  readonly clock: ManualClock;
  readonly queue: ReturnType<typeof createQueue>;
  readonly log: string[];
  readonly stop: AbortController;
  readonly running: Promise<void>;
}

function startQueue(options: Partial<QueueOptions> = {}): Rig {
  const clock = new ManualClock();
  const log: string[] = [];
  const stop = new AbortController();
  const process = async (key: string): Promise<void> => void log.push(key);
  const queue = createQueue({ workers: 1, process, clock, backoff: { firstMs: 100, maxMs: 1_000, random: () => 1 }, ...options });
  return { clock, queue, log, stop, running: queue.run(stop.signal) };
}

t.test('keys come in order, once, however often they were added', async (t) => {
  const { queue, log } = startQueue();
  for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
  await settle();
  await settle();
  t.same(log, ['a', 'b', 'c']);
});

t.test('a key added while it is worked on comes again, after the others', async (t) => {
  const log: string[] = [];
  const { queue } = startQueue({
    process: async (key) => {
      log.push(key);
      if (log.length === 1) for (const other of ['a', 'b', 'a']) queue.add(other);
    },
  });
  queue.add('a');
  await settle();
  await settle();
  t.same(log, ['a', 'b', 'a']);
});

t.test('the earliest time wins', async (t) => {
  const { clock, queue, log } = startQueue();
  queue.addAfter('late then early', 500);
  queue.addAfter('late then early', 100);
  queue.addAfter('early then late', 100);
  queue.addAfter('early then late', 500);
  queue.addAfter('now', 500);
  queue.add('now');
  await settle();
  t.same(log, ['now']);
  await clock.advance(99);
  t.same(log, ['now']);
  await clock.advance(1);
  t.same(log, ['now', 'late then early', 'early then late']);
  await clock.advance(1_000);
  t.equal(log.length, 3, 'and nothing comes twice');
  t.equal(clock.pending, 0);
});

t.test('a failing key backs off to the limit, until it is forgotten, and holds up no other', async (t) => {
  const times: number[] = [];
  const errors: unknown[] = [];
  const { clock, queue } = startQueue({
    process: async (key) => {
      if (key === 'good') return;
      times.push(clock.monotonic());
      throw new Error('no');
    },
    onError: (_, error) => {
      errors.push(error);
      throw new Error('a handler that throws changes nothing');
    },
  });
  queue.add('bad');
  for (let step = 0; step < 60; step++) await clock.advance(50);
  t.same(
    times.slice(1).map((time, index) => time - (times[index] ?? 0)),
    [100, 200, 400, 800, 1_000],
  );
  t.equal(errors.length, 6);
  queue.forget('bad');
  t.equal(queue.failures('bad'), 0);
});

t.test('a pass that throws before it returns a promise is a failure like any other', async (t) => {
  const { queue } = startQueue({
    process: () => {
      throw new Error('at once');
    },
  });
  queue.add('a');
  await settle();
  t.equal(queue.failures('a'), 1);
});

t.test('the end waits for the passes under way, and nothing starts after it', async (t) => {
  let finish = (): void => {};
  const log: string[] = [];
  const { queue, stop, running, clock } = startQueue({
    process: (key) => {
      log.push(key);
      return new Promise((resolve) => {
        finish = resolve;
      });
    },
  });
  for (const key of ['a', 'b']) queue.add(key);
  queue.addAfter('c', 10);
  await settle();
  let ended = false;
  void running.then(() => {
    ended = true;
  });
  stop.abort();
  await clock.advance(100);
  t.notOk(ended);
  finish();
  await running;
  t.same(log, ['a']);
  t.equal(clock.pending, 0);
});

t.test('many quick keys leave the event loop its turns', async (t) => {
  const { queue, log } = startQueue();
  for (let key = 0; key < 1_000; key++) queue.add(`${key}`);
  await new Promise((resolve) => setImmediate(resolve));
  t.ok(log.length < 1_000, 'an immediate came in between');
});

t.test('the observer hears of depth, waits and outcomes', async (t) => {
  const heard: string[] = [];
  const { queue } = startQueue({
    process: async (key) => {
      if (key === 'b') throw new Error('no');
    },
    observer: {
      added: () => heard.push('added'),
      retried: () => heard.push('retried'),
      depth: (keys) => heard.push(`depth ${keys}`),
      waited: (seconds) => heard.push(`waited ${seconds}`),
      processed: (_, outcome) => heard.push(outcome),
    },
  });
  queue.add('a');
  queue.add('b');
  await settle();
  t.same(heard, ['added', 'depth 1', 'added', 'depth 2', 'depth 1', 'waited 0', 'ok', 'depth 0', 'waited 0', 'retried', 'error']);
});

const action = fc.record({
  key: fc.constantFrom('a', 'b', 'c', 'd'),
  verb: fc.constantFrom('add' as const, 'addAfter' as const, 'addRateLimited' as const),
  ms: fc.integer({ min: 0, max: 300 }),
  pause: fc.integer({ min: 0, max: 100 }),
});

t.test('no key is ever worked on twice at once, none is lost, and no more than the workers work', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 30 }), fc.integer({ min: 1, max: 3 }), async (actions, workers) => {
      const active = new Set<string>();
      /** Key to the moment of its last pass. */
      const done = new Map<string, number>();
      let most = 0;
      let overlapped = false;
      const rig = startQueue({
        workers,
        process: async (key) => {
          overlapped ||= active.has(key);
          active.add(key);
          most = Math.max(most, active.size);
          done.set(key, rig.clock.monotonic());
          await new Promise<void>((resolve) => rig.clock.after(20, resolve));
          active.delete(key);
        },
      });
      const asked = new Map<string, number>();
      for (const { key, verb, ms, pause } of actions) {
        if (verb === 'addAfter') rig.queue.addAfter(key, ms);
        else rig.queue[verb](key);
        asked.set(key, rig.clock.monotonic());
        await rig.clock.advance(pause);
      }
      await rig.clock.advance(5_000);
      rig.stop.abort();
      await rig.running;
      const lost = [...asked].filter(([key, time]) => (done.get(key) ?? 0) < time);
      return !overlapped && most <= workers && lost.length === 0 && rig.queue.depth === 0;
    }),
    { numRuns: 60 },
  );
  t.pass('60 histories');
});
