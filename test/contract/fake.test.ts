import t from 'tap';
import type { GuestSight, MachineDefinition } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { Behind } from '#drivers/fake/behind.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import type { Guest } from '#drivers/fake/guest.js';
import { FakeHost, type FakeHostOptions } from '#drivers/fake/host.js';
import { contract } from './contract.js';
import type { GuestRecipe, Peer, Subject } from './subject.js';

function peerOf(host: FakeHost): Peer {
  const behind = new Behind(host);
  const must = (uuid: string) => {
    const machine = host.byUuid(uuid);
    if (machine === undefined) throw new Error(`no machine ${uuid}`);
    return machine;
  };
  return {
    destroy: async (uuid) => behind.destroy(uuid),
    pause: async (uuid) => behind.pause(uuid),
    kill: async (uuid) => behind.kill(uuid),
    undefine: async (uuid) => behind.undefine(uuid),
    editMemory: async (uuid, memoryBytes) => behind.edit(uuid, { memoryBytes }),
    decorate: async (uuid) => {
      must(uuid).foreign.add('theirs');
      return async () => must(uuid).foreign.has('theirs');
    },
    writeTrace: async (uuid) => String(must(uuid).writes),
    hang: async (uuid) => {
      const { guest } = must(uuid);
      host.guest(uuid, { ...guest, hung: true });
      return async () => host.guest(uuid, guest);
    },
    strangersMachine: async (identity) => {
      const machine = behind.machine(identity);
      return async () => host.vanished(machine);
    },
    strangersPool: async ({ uuid, nativeName, path }) => {
      behind.pool(uuid, nativeName, path);
      return async () => behind.undefinePool(uuid);
    },
    startPool: async (uuid) => {
      behind.startPool(uuid, true);
      return async () => behind.startPool(uuid, false);
    },
    strangersNetwork: async (nativeName) => {
      behind.network(nativeName, false);
      return { start: async () => behind.network(nativeName), remove: async () => behind.removeNetwork(nativeName) };
    },
    putFile: async (path, content) => behind.putFile(path, content),
    disconnect: async () => host.disconnect(),
  };
}

const sight: Partial<GuestSight> = { agent: 'Connected', hostname: 'contract', os: { id: 'debian' } };

function subjectOf(name: string, options: FakeHostOptions = {}): Subject {
  const host = new FakeHost(options);
  const recipe = (guest: Guest): GuestRecipe => ({
    prepare: async (definition: MachineDefinition) => {
      host.guest(definition.uuid, guest);
      return definition;
    },
  });
  return {
    name,
    connect: async () => fakeDriver(host),
    without: (options.without ?? []).filter((facet) => facet !== 'snapshots'),
    peer: peerOf(host),
    directory: '/pools',
    pass: async () => host.clock.advance(50),
    guests: {
      hearing: recipe({ powersOff: { afterMs: 120, shows: 'Stopping' } }),
      deaf: recipe({ deaf: true }),
      leaving: recipe({ afterStart: { does: 'PowerOff', afterLooks: 2 } }),
      talking: { ...recipe({ banner: 'hello from the guest\n' }), prints: 'hello from the guest' },
      telling: {
        hostname: 'contract',
        system: 'debian',
        prepare: async (definition) => ({ ...(await recipe({ sight }).prepare(definition)), guestAgent: true }),
      },
      unstartable: recipe({ refusesToStart: new DriverError('Exhausted', 'no memory') }),
    },
  };
}

await contract(t, subjectOf('the fake'));
await contract(
  t,
  subjectOf('the fake without the rest', {
    without: ['live', 'adoption', 'pools', 'volumes', 'networks', 'consoles', 'guests', 'events', 'stats', 'drafts', 'snapshots'],
  }),
);
