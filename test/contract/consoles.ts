import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import type { Console, Consoles, MachineId } from '#drivers/driver.js';
import { activePool, mustHave } from './pools.js';
import { refused, type Stage, soon } from './stage.js';
import { checkPng, Viewer } from './viewer.js';

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

/** What is seen of graphics. */
const looksOf = (consoles: Consoles) =>
  [
    (id: MachineId, signal: AbortSignal) => consoles.graphics(id, signal),
    (id: MachineId, signal: AbortSignal) => consoles.screenshot(id, signal),
  ] as const;

export async function consolesContract(t: Test, stage: Stage): Promise<void> {
  const graphics = await stage.lacks('devices.graphics.type');
  await t.test('serial consoles', { skip: await stage.lacks('devices.serial') }, (t) => serialContract(t, stage));
  await t.test('graphics', { skip: graphics }, (t) => graphicsContract(t, stage));
  await t.test('screens without graphics', { skip: graphics === false && 'it has graphics' }, (t) => screenContract(t, stage));
}

async function serialContract(t: Test, stage: Stage): Promise<void> {
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

  await stage.withGuest(t, 'what the guest prints is heard, and what is typed arrives there', 'talking', async (t, recipe) => {
    const { id } = await stage.define(await recipe.prepare(stage.definition({ serial: true })));
    await stage.switchOn(id);
    await using console = await consoles.open(id, soon());
    if (stage.can('startPaused')) await driver.power.resume(id, soon());
    const first = await readUntil(console, recipe.prints);
    if (recipe.startsAnew && !first.includes(recipe.prints)) await recipe.ready?.(driver, id);
    else t.match(first, recipe.prints);
    await using another = await consoles.open(id, soon());
    await another.write(Buffer.from('echo-me'), soon());
    t.match(await readUntil(another, 'echo-me'), 'echo-me', 'also by the next who opens it');
  });

  await stage.withGuest(t, 'what a machine prints is written down, anew from each start on', 'talking', async (t, { prepare, prints }) => {
    const { capabilities } = await driver.host.describe(soon());
    if (!capabilities.some(({ field }) => field === 'devices.serial.log')) return void t.pass('this host writes nothing down');
    const [volumes, pool] = [mustHave(driver.volumes), await activePool(stage)];
    const written = async () => {
      await volumes.list(pool.id, { refresh: true }, soon());
      return text(volumes.download({ pool: pool.id, nativeName: 'web.console' }, { offset: 0, length: 1 << 20 }, soon()));
    };
    const until = async (wanted: string) => {
      let heard = '';
      for (const end = Date.now() + 60_000; !heard.includes(wanted) && Date.now() < end; await sleep(100))
        heard = await written().catch(() => '');
      return heard;
    };
    const serialLog = `${pool.path}/web.console`;
    const { id, owner } = await stage.define(await prepare(stage.definition({ serial: true, serialLog })));
    t.equal((await stage.look(id)).configured?.serialLog, serialLog);
    await driver.power.start(id, { paused: false }, soon());
    t.match(await until(prints), prints);
    t.equal((await stage.look(id)).live?.serialLog, serialLog);
    await driver.power.cut(id, owner, soon());
    await driver.power.start(id, { paused: true }, soon());
    t.notMatch(await written(), prints, 'of the boot before nothing is left');
    await driver.power.cut(id, owner, soon());
    await volumes.delete({ pool: pool.id, nativeName: 'web.console' }, soon());
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

async function graphicsContract(t: Test, stage: Stage): Promise<void> {
  const { driver } = stage;
  const consoles = mustHave(driver.consoles);

  await t.test('what is gone, off, or has no graphics, shows nothing', async (t) => {
    const { id, owner } = await stage.define(stage.definition({ graphics: { type: 'VNC' } }));
    for (const look of looksOf(consoles)) await refused(t, look(id, soon()), 'Conflict');
    await driver.machines.undefine(id, owner, { keepState: false }, soon());
    for (const look of looksOf(consoles)) await refused(t, look(id, soon()), 'NotFound');
    const { id: blind } = await stage.running();
    for (const look of looksOf(consoles)) await refused(t, look(blind, soon()), 'Invalid');
  });

  await t.test('a viewer is let in by the password, and by no other', async (t) => {
    const { id } = await stage.running(stage.definition({ graphics: { type: 'VNC', password: 'Ab3-xyz9' } }));
    t.match((await stage.look(id)).live?.graphics, { type: 'VNC', password: 'Ab3-xyz9' });
    await using wrong = new Viewer(await consoles.graphics(id, soon()));
    t.equal(await wrong.logIn('Ab3-xyz8'), 'refused');
    await using right = new Viewer(await consoles.graphics(id, soon()));
    t.equal(await right.logIn('Ab3-xyz9'), 'let in');
    const { width, height } = await right.screen();
    t.ok(width > 0 && height > 0, 'and is told how large the screen is');
  });

  await t.test('a viewer is let go when the machine stops', async (t) => {
    const { id, owner } = await stage.running(stage.definition({ graphics: { type: 'VNC' } }));
    const server = await consoles.graphics(id, soon());
    await using viewer = new Viewer(server);
    t.equal(await viewer.logIn(undefined), 'let in', 'without a password where none was given');
    await driver.power.cut(id, owner, soon());
    t.equal(await viewer.ended(), true);
    await refused(t, server.write(Buffer.from('x'), soon()), 'Conflict');
  });

  await t.test('the screen is given as a picture', async (t) => {
    const { id } = await stage.running(stage.definition({ graphics: { type: 'VNC' } }));
    await showsPicture(t, consoles, id);
  });

  await t.test('a signal that has ended shows nothing', async (t) => {
    const { id } = await stage.running(stage.definition({ graphics: { type: 'VNC' } }));
    for (const look of looksOf(consoles)) await refused(t, look(id, AbortSignal.abort()), 'TimedOut');
  });
}

/** A machine without graphics has a screen all the same, of which pictures can be had, or it has none. */
async function screenContract(t: Test, stage: Stage): Promise<void> {
  const { driver } = stage;
  const consoles = mustHave(driver.consoles);
  const [graphics, screenshot] = looksOf(consoles);

  await t.test('a machine that is on shows its screen, if it has one, and no graphics', async (t) => {
    const { id, owner } = await stage.running();
    await refused(t, graphics(id, soon()), 'Invalid');
    if ((await stage.look(id)).live?.screen !== true) return refused(t, screenshot(id, soon()), 'Invalid', 'Unsupported');
    await showsPicture(t, consoles, id);
    await refused(t, screenshot(id, AbortSignal.abort()), 'TimedOut');
    await driver.power.cut(id, owner, soon());
    for (const look of looksOf(consoles)) await refused(t, look(id, soon()), 'Conflict');
    await driver.machines.undefine(id, owner, { keepState: false }, soon());
    for (const look of looksOf(consoles)) await refused(t, look(id, soon()), 'NotFound');
  });
}

async function showsPicture(t: Test, consoles: Consoles, id: MachineId): Promise<void> {
  const { mediaType, bytes } = await consoles.screenshot(id, soon());
  t.equal(mediaType, 'image/png');
  const { width, height, colours } = checkPng(bytes);
  t.ok(width > 0 && height > 0 && colours > 0, `${width} by ${height} pixels, ${colours} colours`);
}
