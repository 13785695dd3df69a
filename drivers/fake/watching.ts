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

const statsOf = ({ id, live, startedAt }: FakeMachine, now: number): MachineStats => ({
  id,
  cpuSeconds: (now - startedAt) / 1000,
  memoryBytes: live?.memoryBytes ?? 0,
  disks: (live?.disks ?? []).map(({ name }) => ({ name, readBytes: 0, writtenBytes: 0 })),
});

export function statisticsOf(host: FakeHost<Clock>, connection: Connection): Stats {
  const answering = () => [...host.machines.values()].filter(({ isOff, guest }) => !isOff && guest.hung !== true);
  return {
    read: (signal) =>
      connection.ask({ verb: 'stats.read' }, signal, () => answering().map((machine) => statsOf(machine, host.clock.now()))),
  };
}

const description: Omit<HostDescription, 'capabilities' | 'cpuCount' | 'memoryBytes'> = {
  hypervisor: 'Fake',
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
