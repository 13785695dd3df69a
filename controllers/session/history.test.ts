import fc from 'fast-check';
import t from 'tap';
import { twice, type Written, withHistory } from './history.js';
import type { Line } from './pipe.js';

const bytes = (text: string) => Buffer.from(text);
const soon = () => AbortSignal.timeout(20_000);

t.test('what both have is said once, whichever of them is ahead', async (t) => {
  t.equal(twice(bytes('one two '), bytes('two three')), 4);
  t.equal(twice(bytes('one two three'), bytes('two')), 9, 'the line is behind: it brings the rest yet');
  t.equal(twice(bytes('one'), bytes('two')), 0);
  t.equal(twice(bytes('one'), bytes('')), 0, 'who heard nothing has heard nothing of it');
  t.equal(twice(bytes(''), bytes('two')), 0);
});

t.test('a log and a line cut anywhere from one stream make that stream again', async () => {
  const stream = fc.uint8Array({ minLength: 1, maxLength: 40, max: 255 });
  fc.assert(
    fc.property(stream, fc.nat(40), fc.nat(40), (all, from, to) => {
      const [begins, ends] = [Math.min(from, all.length), Math.min(to, all.length)];
      if (begins > ends) return true;
      const [read, heard] = [all.subarray(0, ends), all.subarray(begins)];
      if (heard.length === 0) return true;
      const whole = Buffer.concat([read, heard.subarray(twice(read, heard))]);
      // Of a stream that repeats itself more than was said twice may be taken for that, never less.
      return whole.length <= all.length && Buffer.compare(whole.subarray(0, read.length), read) === 0;
    }),
  );
});

t.test('what repeats itself is said twice by the earliest place that it may be from', async () => {
  const few = fc.uint8Array({ maxLength: 24, max: 1 });
  fc.assert(
    fc.property(few, few, (read, heard) => {
      const isFrom = (at: number) => heard.subarray(0, read.length - at).every((byte, index) => byte === read[at + index]);
      const [earliest = read.length] = heard.length === 0 ? [] : [...read.keys()].filter(isFrom);
      return twice(read, heard) === read.length - earliest;
    }),
    { numRuns: 1_000 },
  );
});

t.test('a guest that prints one letter over and over keeps nobody waiting', async (t) => {
  const letters = (length: number) => Buffer.alloc(length, 'a');
  const began = performance.now();
  t.equal(twice(letters(2 ** 20), Buffer.concat([letters(2 ** 19), bytes('b')])), 2 ** 19);
  t.ok(performance.now() - began < 1_000);
});

/** A console that says this and then waits. */
function lineOf(...said: readonly string[]): Line & { readonly closed: () => boolean } {
  let closed = false;
  let end = () => {};
  const over = new Promise<void>((resolve) => {
    end = resolve;
  });
  return {
    closed: () => closed,
    output: (async function* () {
      for (const one of said) yield bytes(one);
      await over;
    })(),
    write: async () => {},
    async [Symbol.asyncDispose]() {
      closed = true;
      end();
    },
  };
}

const writtenOf = (past: string, since: string): Written => ({ past: async () => bytes(past), since: async () => bytes(since) });

t.test('the past comes first, then what was missed while it was opened, then what is printed', async (t) => {
  const inner = lineOf('ined$ ', 'ls\n');
  await using line = withHistory(inner, writtenOf('booted\n', 'joined$ '), soon());
  let heard = '';
  for await (const chunk of line.output) {
    heard += Buffer.from(chunk);
    if (heard.endsWith('ls\n')) break;
  }
  t.equal(heard, 'booted\njoined$ ls\n');
  await line[Symbol.asyncDispose]();
  t.ok(inner.closed());
});

t.test('a console that ends while its past is read ends behind that', async (t) => {
  const ending: Line = {
    output: (async function* () {
      yield bytes('bye\n');
    })(),
    write: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
  let heard = '';
  for await (const chunk of withHistory(ending, writtenOf('hello\n', 'bye\n'), soon()).output) heard += Buffer.from(chunk);
  t.equal(heard, 'hello\nbye\n');
});
