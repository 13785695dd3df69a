import type { Test } from 'tap';
import type { Events, HostEvent } from '#drivers/driver.js';
import { networkName } from './networks.js';
import { mustHave, poolDefinition } from './pools.js';
import { type Stage, soon } from './stage.js';

/** Watches in the background; has all that was heard so far. */
class Watch {
  readonly heard: HostEvent[] = [];
  readonly ended: Promise<true>;
  readonly #stop = new AbortController();

  constructor(events: Events) {
    this.ended = this.#listen(events);
  }

  async #listen(events: Events): Promise<true> {
    for await (const event of events.watch(this.#stop.signal)) this.heard.push(event);
    return true;
  }

  stop(): Promise<true> {
    this.#stop.abort();
    return this.ended;
  }
}

export async function eventsContract(t: Test, stage: Stage): Promise<void> {
  const { driver } = stage;
  const events = mustHave(driver.events);

  const watching = async (watch: Watch) =>
    await stage.until(
      async () => watch.heard,
      ({ length }) => length > 0,
    );

  /** Whether it is hinted that this changed, after the act. A gap is as good a hint. */
  async function hints(t: Test, watch: Watch, what: string, hint: HostEvent, act: () => Promise<unknown>): Promise<void> {
    const before = watch.heard.length;
    await act();
    const tells = (event: HostEvent) => event.kind === 'gap' || JSON.stringify(event) === JSON.stringify(hint);
    const since = await stage.until(
      async () => watch.heard.slice(before),
      (heard) => heard.some(tells),
    );
    t.ok(since.some(tells), `${what} is hinted at`, { since });
  }

  await t.test('watching begins with a gap, and ends with its signal', async (t) => {
    const watch = new Watch(events);
    t.match(await watching(watch), [{ kind: 'gap' }]);
    t.equal(await watch.stop(), true);
  });

  await t.test('a signal that has ended watches nothing', async (t) => {
    for await (const event of events.watch(AbortSignal.abort())) t.fail('an event came', { event });
  });

  await t.test('what changes with a machine is hinted at, to every watcher', async (t) => {
    const [watch, other] = [new Watch(events), new Watch(events)];
    await watching(watch);
    await watching(other);
    const { id, owner } = await stage.define();
    const machine: HostEvent = { kind: 'machine', id };
    await hints(t, watch, 'start', machine, () => stage.switchOn(id));
    if (stage.can('startPaused')) await hints(t, watch, 'resume', machine, () => driver.power.resume(id, soon()));
    await hints(t, watch, 'pause', machine, () => driver.power.pause(id, soon()));
    await hints(t, watch, 'resume', machine, () => driver.power.resume(id, soon()));
    await hints(t, watch, 'cut', machine, () => driver.power.cut(id, owner, soon()));
    await hints(t, watch, 'undefine', machine, () => driver.machines.undefine(id, owner, { keepState: false }, soon()));
    const others = await stage.until(
      async () => other.heard.slice(1),
      (heard) => heard.length > 0,
    );
    t.ok(others.length > 0, 'the other hears as well');
    await watch.stop();
    await other.stop();
  });

  await t.test('a machine that is new, or edited, is hinted at', async (t) => {
    const watch = new Watch(events);
    await watching(watch);
    const { id, definition, mark } = await stage.define();
    const machine: HostEvent = { kind: 'machine', id };
    await hints(t, watch, 'an edit', machine, () => driver.machines.define({ ...definition, cpuCount: 2 }, mark, soon()));
    t.ok(watch.heard.slice(1).some((event) => event.kind === 'machine' && event.id === id));
    await watch.stop();
  });

  await stage.withPeer(t, 'what others do is hinted at', ['destroy'], async (t, peer) => {
    const { id, definition } = await stage.running();
    const watch = new Watch(events);
    await watching(watch);
    await hints(t, watch, 'destroy', { kind: 'machine', id }, () => peer.destroy(definition.uuid));
    await watch.stop();
  });

  await t.test(
    'what changes with a pool is hinted at',
    { skip: driver.pools === undefined ? 'no pools' : stage.unless('makePools') },
    async (t) => {
      const pools = mustHave(driver.pools);
      const id = await pools.define(await poolDefinition(stage), soon());
      const watch = new Watch(events);
      await watching(watch);
      await hints(t, watch, 'start', { kind: 'pool', id }, () => pools.start(id, soon()));
      await hints(t, watch, 'undefine', { kind: 'pool', id }, () => pools.undefine(id, soon()));
      await watch.stop();
    },
  );

  await stage.withPeer(t, 'what changes with a network is hinted at', ['strangersNetwork'], async (t, peer) => {
    if (driver.networks === undefined) return;
    const nativeName = networkName();
    const { start, remove } = await peer.strangersNetwork(nativeName);
    const [network] = (await driver.networks.list(soon())).filter((one) => one.nativeName === nativeName);
    const { id } = mustHave(network);
    const watch = new Watch(events);
    await watching(watch);
    await hints(t, watch, 'start', { kind: 'network', id }, start);
    await hints(t, watch, 'removal', { kind: 'network', id }, remove);
    await watch.stop();
  });

  await t.test('watching ends with the connection', async (t) => {
    const other = await stage.subject.connect();
    const watch = new Watch(mustHave(other.events));
    await watching(watch);
    await other[Symbol.asyncDispose]();
    t.equal(await watch.ended, true);
  });
}
