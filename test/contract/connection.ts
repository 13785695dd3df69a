import type { Test } from 'tap';
import { refused, type Stage, soon } from './stage.js';
import type { OptionalFacet } from './subject.js';

const optional: readonly OptionalFacet[] = ['live', 'adoption', 'pools', 'volumes', 'networks', 'consoles', 'events', 'stats'];

export async function connectionContract(t: Test, stage: Stage): Promise<void> {
  const { driver, subject } = stage;

  await t.test('it has every facet but those stated to be absent', async (t) => {
    for (const facet of optional) t.equal(driver[facet] === undefined, subject.without?.includes(facet) ?? false, facet);
  });

  await t.test('it describes the host', async (t) => {
    const description = await driver.host.describe(soon());
    t.match(description, { hypervisor: /\w/, architecture: /\w/ });
    t.ok(Object.keys(description.versions).length > 0, 'has versions');
    t.ok(description.cpuCount > 0 && description.memoryBytes > 0, 'has a capacity');
    const fields = description.capabilities.map(({ field }) => field);
    t.same(fields, [...new Set(fields)], 'names each field once');
  });

  await t.test('a signal that has ended means no call', async (t) => {
    const definition = stage.definition();
    await refused(t, driver.machines.define(definition, stage.mark(), AbortSignal.abort()), 'TimedOut');
    await refused(t, driver.machines.list(AbortSignal.abort(new Error('enough'))), 'TimedOut');
    t.notOk(await stage.isListed(definition.uuid));
  });

  await t.test('the reason why a signal ended is the cause', async (t) => {
    const reason = new Error('enough');
    await t.rejects(driver.host.describe(AbortSignal.abort(reason)), { code: 'TimedOut', cause: reason });
  });

  await t.test('two connections see one host', async (t) => {
    const other = await subject.connect();
    const { id, owner } = await stage.define();
    t.match(await other.machines.read([id], soon()), { machines: [{ id, mark: { owner } }] });
    await other[Symbol.asyncDispose]();
    t.equal((await driver.machines.read([id], soon())).machines.length, 1, 'and one that goes leaves the other in peace');
  });

  await t.test('a disposed one settles closed, and answers Unavailable', async (t) => {
    const other = await subject.connect();
    await other[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
    await t.resolves(other.closed);
    await refused(t, other.machines.list(soon()), 'Unavailable');
    await refused(t, other.host.describe(soon()), 'Unavailable');
  });

  await stage.withPeer(t, 'one machine that hangs freezes nothing else', ['hang'], async (t, peer) => {
    const hung = await stage.running();
    const other = await stage.define();
    const undo = await peer.hang(hung.definition.uuid);
    const giveUp = new AbortController();
    const pausing = driver.power.pause(hung.id, giveUp.signal);
    const refusal = refused(t, pausing, 'TimedOut');
    await driver.power.start(other.id, { paused: false }, soon());
    t.same(await stage.power(other.id), { state: 'On', reason: 'Booted' });
    giveUp.abort();
    await refusal;
    await undo();
  });
}

/** Comes last: it breaks the suite's own connection, too. */
export async function brokenConnectionContract(t: Test, stage: Stage): Promise<void> {
  await stage.withPeer(t, 'a connection that breaks settles closed, and a new one finds everything', ['disconnect'], async (t, peer) => {
    const { driver, subject } = stage;
    const definition = stage.definition();
    const { owner, record } = stage.mark();
    const id = await driver.machines.define(definition, { owner, record }, soon());
    await peer.disconnect();
    await t.resolves(driver.closed);
    await refused(t, driver.machines.list(soon()), 'Unavailable');
    const anew = await subject.connect();
    t.match(await anew.machines.read([id], soon()), { machines: [{ id, uuid: definition.uuid, mark: { owner } }] });
    await anew.machines.undefine(id, owner, { keepState: false }, soon());
    await anew[Symbol.asyncDispose]();
  });
}
