import type { Test } from 'tap';
import type { Console } from '#drivers/driver.js';
import { mustHave } from './pools.js';
import { refused, type Stage, soon } from './stage.js';

/** Reads until the text has come, or the output ends; gives what has come. */
async function readUntil({ output }: Console, wanted: string): Promise<string> {
  let heard = '';
  for await (const bytes of output) {
    heard += Buffer.from(bytes).toString();
    if (heard.includes(wanted)) break;
  }
  return heard;
}

/** Resolves when the output ends. */
async function drained({ output }: Console): Promise<true> {
  for await (const _bytes of output);
  return true;
}

export async function consolesContract(t: Test, stage: Stage): Promise<void> {
  const { driver } = stage;
  const consoles = mustHave(driver.consoles);

  await t.test('what is gone, off, or has no serial console, has none to open', async (t) => {
    const { id, owner } = await stage.define(stage.definition({ serial: true }));
    await refused(t, consoles.open(id, soon()), 'Conflict');
    await driver.machines.undefine(id, owner, { keepState: false }, soon());
    await refused(t, consoles.open(id, soon()), 'NotFound');
    const { id: mute } = await stage.running(stage.definition({ serial: false }));
    await refused(t, consoles.open(mute, soon()), 'Invalid');
  });

  await stage.withGuest(t, 'what the guest prints is heard, and what is typed arrives there', 'talking', async (t, { prepare, prints }) => {
    const { id } = await stage.define(await prepare(stage.definition({ serial: true })));
    await driver.power.start(id, { paused: true }, soon());
    await using console = await consoles.open(id, soon());
    await driver.power.resume(id, soon());
    t.match(await readUntil(console, prints), prints);
    await using another = await consoles.open(id, soon());
    await another.write(Buffer.from('echo-me'), soon());
    t.match(await readUntil(another, 'echo-me'), 'echo-me', 'also by the next who opens it');
  });

  await t.test('a second opener takes over from the first', async (t) => {
    const { id } = await stage.running(stage.definition({ serial: true }));
    const first = await consoles.open(id, soon());
    const ended = drained(first);
    await using second = await consoles.open(id, soon());
    t.equal(await ended, true, 'the first one ends');
    await refused(t, first.write(Buffer.from('x'), soon()), 'Conflict');
    await second.write(Buffer.from('x'), soon());
    await first[Symbol.asyncDispose]();
  });

  await t.test('the output ends when the machine stops', async (t) => {
    const { id, owner } = await stage.running(stage.definition({ serial: true }));
    await using console = await consoles.open(id, soon());
    const ended = drained(console);
    await driver.power.cut(id, owner, soon());
    t.equal(await ended, true);
    await refused(t, console.write(Buffer.from('x'), soon()), 'Conflict');
  });

  await t.test('a disposed console ends, and can be opened again', async (t) => {
    const { id } = await stage.running(stage.definition({ serial: true }));
    const console = await consoles.open(id, soon());
    const ended = drained(console);
    await console[Symbol.asyncDispose]();
    await console[Symbol.asyncDispose]();
    t.equal(await ended, true);
    await using again = await consoles.open(id, soon());
    await again.write(Buffer.from('x'), soon());
  });

  await t.test('a signal that has ended opens nothing and writes nothing', async (t) => {
    const { id } = await stage.running(stage.definition({ serial: true }));
    await refused(t, consoles.open(id, AbortSignal.abort()), 'TimedOut');
    await using console = await consoles.open(id, soon());
    await refused(t, console.write(Buffer.from('x'), AbortSignal.abort()), 'TimedOut');
  });
}
