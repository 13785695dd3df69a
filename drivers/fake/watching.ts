import type { Events, Host, HostDescription, MachineStats, Stats } from '#drivers/driver.js';
import type { Clock } from './clock.js';
import type { Connection } from './connection.js';
import type { FakeHost } from './host.js';
import type { FakeMachine } from './machine.js';

export function eventsOf(host: FakeHost<Clock>, connection: Connection): Events {
  return {
    async *watch(signal) {
      if (signal.aborted) return;
      const watcher = await connection.ask({ verb: 'events.watch' }, signal, () => host.bulletin.subscribe());
      const end = () => watcher.end();
      for (const over of [signal, connection.ended]) over.addEventListener('abort', end, { once: true });
      try {
        yield* watcher;
      } finally {
        host.bulletin.unsubscribe(watcher);
        for (const over of [signal, connection.ended]) over.removeEventListener('abort', end);
      }
    },
  };
}

/** Whatever it does it does evenly: so much in every second. */
function statsOf({ id, live, startedAt }: FakeMachine, now: number): MachineStats {
  const seconds = (now - startedAt) / 1000;
  const transfer = { bytes: seconds * 4096, operations: seconds, seconds: seconds / 1000 };
  const traffic = { bytes: seconds * 1500, packets: seconds, errors: 0, dropped: 0 };
  const memoryBytes = live?.memoryBytes ?? 0;
  return {
    id,
    cpuSeconds: seconds,
    cpuWaitSeconds: 0,
    cpuDelaySeconds: 0,
    memory: {
      balloonBytes: memoryBytes,
      residentBytes: memoryBytes,
      availableBytes: memoryBytes,
      unusedBytes: memoryBytes / 2,
      usableBytes: memoryBytes / 2,
    },
    disks: [...(live?.disks ?? []), ...(live?.cdroms ?? [])].map(({ name }) => ({ name, read: transfer, written: transfer })),
    interfaces: (live?.interfaces ?? []).map(({ name }) => ({ name, received: traffic, sent: traffic })),
  };
}

export function statisticsOf(host: FakeHost<Clock>, connection: Connection): Stats {
  const answering = () => [...host.machines.values()].filter(({ isOff, guest }) => !isOff && guest.hung !== true);
  return {
    read: (signal) =>
      connection.ask({ verb: 'stats.read' }, signal, () => answering().map((machine) => statsOf(machine, host.clock.now()))),
  };
}

const description: Omit<HostDescription, 'capabilities' | 'cpuCount' | 'memoryBytes'> = {
  hypervisor: 'Fake',
  provenOn: 'OwnSimulator',
  versions: { fake: '1.0.0' },
  architecture: 'x86_64',
};

export function hostOf(host: FakeHost<Clock>, connection: Connection): Host {
  return {
    describe: (signal) =>
      connection.ask({ verb: 'host.describe' }, signal, () =>
        structuredClone({ ...description, ...host.size, capabilities: host.capabilities }),
      ),
  };
}
