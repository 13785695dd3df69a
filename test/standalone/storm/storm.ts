import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { objectsAt } from '#standalone/json.js';
import { type Caller, isCutOff } from '#test/cluster/caller.js';
import { Counter, Race } from './contested.js';
import { kinds, namespaces, pathOf, widgetDefinition } from './kinds.js';
import { Ledger } from './ledger.js';
import { Life } from './life.js';
import { Slot } from './slot.js';
import { Watcher } from './watcher.js';

export interface Weather {
  readonly folder: string;
  readonly writers: number;
  readonly rounds: number;
  /** Begins no round after that, in milliseconds. */
  readonly longestMs: number;
}

export interface Report {
  readonly rounds: number;
  /** Acknowledged ones. */
  readonly writes: number;
  readonly resumed: number;
  readonly expired: number;
  readonly troubles: readonly string[];
}

/** How many writes a life may see, how long they may take, and how long one may last that is killed before it is up. */
const mostWrites = 80;
const longestStormMs = 3_000;
const startingMs = 500;

/**
 * Rounds of one server's lives. In each one writers write, readers follow, and the process is killed at a moment that nobody knows; the next life
 * must have every write that was acknowledged, whole, and nothing that nobody asked for.
 */
export async function storm({ folder, writers: count, rounds: most, longestMs }: Weather): Promise<Report> {
  const ledger = new Ledger();
  const counter = new Counter(ledger);
  const watchers = kinds.map((kind) => new Watcher(kind, ledger));
  const writers = Array.from({ length: count }, (_, at) => slotsOf(`writer-${at}`, ledger));
  const end = performance.now() + longestMs;
  let race = new Race(ledger, 'race-0');
  let rounds = 0;
  for (; rounds < most && performance.now() < end && ledger.troubles.length === 0; rounds += 1) {
    await using life = new Life(folder);
    if (rounds % 10 === 9) {
      await sleep(randomInt(startingMs));
      continue;
    }
    using caller = await life.ready();
    if (rounds === 0) await begin(caller, counter);
    await Promise.all([checkAll(caller, writers.flat(), `round ${rounds}`), counter.check(caller), race.check(caller)]);
    race = new Race(ledger, `race-${rounds}`);
    const following = watchers.map((watcher) => watcher.follow(caller));
    const isGentle = rounds % 10 === 4;
    const stop = {
      at: ledger.writes + randomInt(mostWrites),
      after: performance.now() + longestStormMs,
      kill: () => life.kill(),
      isGentle,
    };
    await Promise.all(writers.map((slots) => write(caller, slots, { counter, race, ledger, stop })));
    if (isGentle) await Promise.all(watchers.map((watcher) => watcher.compare(caller)));
    await life.kill();
    await Promise.all(following);
  }
  const sum = (of: 'resumed' | 'expired') => watchers.reduce((total, watcher) => total + watcher[of], 0);
  return { rounds, writes: ledger.writes, resumed: sum('resumed'), expired: sum('expired'), troubles: ledger.troubles };
}

async function checkAll(caller: Caller, slots: readonly Slot[], when: string): Promise<void> {
  for (const kind of kinds) {
    const { body } = await caller.call('GET', pathOf(kind));
    for (const slot of slots) if (slot.kind === kind) slot.check(slot.within(objectsAt(body, 'items')), when);
  }
}

const slotsOf = (writer: string, ledger: Ledger): readonly Slot[] =>
  kinds.flatMap((kind) => namespaces.map((namespace) => new Slot(kind, namespace, writer, ledger)));

async function begin(caller: Caller, counter: Counter): Promise<void> {
  await caller.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', widgetDefinition);
  while ((await caller.call('GET', '/apis/storm.virtwright.io/v1/widgets')).code !== 200) await sleep(10);
  await counter.begin(caller);
}

interface Round {
  readonly counter: Counter;
  readonly race: Race;
  readonly ledger: Ledger;
  readonly stop: { readonly at: number; readonly after: number; readonly kill: () => Promise<void>; readonly isGentle: boolean };
}

/** Until its server is gone; one of them kills it. A gentle end comes between two writes. */
async function write(caller: Caller, slots: readonly Slot[], { counter, race, ledger, stop }: Round): Promise<void> {
  try {
    await race.run(caller);
    for (;;) {
      const isOver = ledger.writes >= stop.at || performance.now() > stop.after;
      if (isOver && stop.isGentle) return;
      // A little later: the moment is to be no writer's.
      if (isOver) setTimeout(stop.kill, randomInt(20));
      const slot = slots[randomInt(slots.length)] as Slot;
      await (randomInt(8) === 0 ? counter.add(caller) : slot.write(caller));
      if (randomInt(10) === 0) await slot.readBack(caller);
    }
  } catch (reason) {
    if (!isCutOff(reason)) throw reason;
  }
}
