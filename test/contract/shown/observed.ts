import type { Capability, Driver, Events, GuestSight, HostEvent, MachineStats } from '#drivers/driver.js';
import { MachinesSeen } from './machines.js';
import { NetworksSeen } from './networks.js';
import { observe } from './observe.js';
import type { Shown } from './shown.js';
import { StoresSeen } from './stores.js';

/** The same driver; what is asked of it, and is found to be so after, is noted. */
export function observed(driver: Driver, capabilities: readonly Capability[], shown: Shown): Driver {
  const seen = new MachinesSeen(shown, capabilities);
  const { host, adoption, consoles, guests, events, stats, drafts, snapshots } = driver;
  return {
    host: observe(host, 'host', shown, {}),
    ...observedMachines(driver, seen, shown),
    ...observedStores(driver, new StoresSeen(shown), shown),
    ...observedNetworks(driver, new NetworksSeen(shown), shown),
    ...(adoption && { adoption: observe(adoption, 'adoption', shown, {}) }),
    ...(consoles && { consoles: observe(consoles, 'consoles', shown, {}) }),
    ...(guests && { guests: observe(guests, 'guests', shown, { look: (sight) => showGuest(sight, shown) }) }),
    ...(stats && { stats: observe(stats, 'stats', shown, { read: (all) => showStats(all, shown) }) }),
    ...(events && { events: { watch: (signal) => heard(events.watch(signal), shown) } satisfies Events }),
    // What it gives nobody can look for on the host.
    ...(drafts && { drafts }),
    ...(snapshots && { snapshots: observe(snapshots, 'snapshots', shown, { take: (_, id, __, { memory }) => seen.kept(id, memory) }) }),
    closed: driver.closed,
    [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
  };
}

function observedMachines(
  { machines, power, live }: Driver,
  seen: MachinesSeen,
  shown: Shown,
): Pick<Driver, 'machines' | 'power' | 'live'> {
  return {
    machines: observe(
      machines,
      'machines',
      shown,
      {
        define: (id, definition) => seen.defined(id, definition),
        read: ({ machines }) => {
          for (const machine of machines) seen.read(machine);
        },
      },
      { define: (definition) => seen.refused(definition) },
    ),
    power: observe(power, 'power', shown, {
      start: (_, id, { paused }) => seen.powered(id, paused ? 'power.startPaused' : undefined),
      pause: (_, id) => seen.powered(id, 'power.pause'),
      resume: (_, id) => seen.powered(id),
      cut: (_, id) => seen.powered(id),
      save: (_, id) => seen.powered(id, 'power.save'),
      reset: () => shown.field('power.reset'),
    }),
    ...(live && { live: observe(live, 'live', shown, { apply: (_, id) => seen.applied(id) }) }),
  };
}

function observedStores({ pools, volumes }: Driver, seen: StoresSeen, shown: Shown): Pick<Driver, 'pools' | 'volumes'> {
  return {
    ...(pools && {
      pools: observe(pools, 'pools', shown, { define: (_, definition) => seen.defined(definition), list: (all) => seen.listed(all) }),
    }),
    ...(volumes && {
      volumes: observe(volumes, 'volumes', shown, {
        create: (_, definition) => seen.made(definition),
        list: (all) => seen.volumes(all),
        copy: () => shown.field('volumes.clone', 'Full'),
        link: () => shown.field('volumes.clone', 'Linked'),
        wipe: () => shown.field('volumes.wipe'),
        resume: () => shown.field('volumes.resume'),
        growAttached: () => shown.field('volumes.growAttached'),
      }),
    }),
  };
}

function observedNetworks({ networks }: Driver, seen: NetworksSeen, shown: Shown): Pick<Driver, 'networks'> {
  if (networks === undefined) return {};
  return {
    networks: observe(networks, 'networks', shown, {
      define: (_, definition) => seen.defined(definition),
      update: (_, id, shape) => seen.updated(id, shape),
      list: (all) => seen.listed(all),
    }),
  };
}

function showGuest({ hostname, os, addresses }: GuestSight, shown: Shown): void {
  if (hostname !== undefined) shown.verb('guests.hostname');
  if (os !== undefined) shown.verb('guests.system');
  if (addresses.length > 0) shown.verb('guests.addresses');
}

function showStats(all: readonly MachineStats[], shown: Shown): void {
  for (const { cpuSeconds, cpuHertz, memory, disks, interfaces } of all) {
    if (cpuSeconds !== undefined || cpuHertz !== undefined) shown.verb('stats.cpu');
    if (memory.balloonBytes > 0) shown.verb('stats.memory');
    if (disks.length > 0) shown.field('stats.block');
    if (interfaces.length > 0) shown.field('stats.network');
  }
}

/** A gap is what everybody can tell. */
async function* heard(events: AsyncIterable<HostEvent>, shown: Shown): AsyncGenerator<HostEvent> {
  for await (const event of events) {
    if (event.kind !== 'gap') shown.verb('events.watch');
    yield event;
  }
}
