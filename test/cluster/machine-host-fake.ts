import { DriverError } from '#drivers/error.js';
import { Behind } from '#drivers/fake/behind.js';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { noCredentials } from '#drivers/target.js';
import type { MachineHost } from './machine-host.js';
import { until } from './until.js';

/** A host in memory. */
export async function fakeMachineHost(): Promise<MachineHost> {
  const host = new FakeHost({ clock: systemClock });
  const behind = new Behind(host);
  const { capabilities } = await fakeDriver(host).host.describe(AbortSignal.timeout(10_000));
  host.calls.length = 0;
  return {
    connect: async () => fakeDriver(host),
    credentialKeys: () => noCredentials,
    has: (field) => capabilities.some((one) => one.field === field),
    pace: { glanceMs: 10_000 },
    hypervisor: (name) => [{ kind: 'Hypervisor', metadata: { name }, spec: { uri: 'test:///default', defaultPoolRef: { name: 'fast' } } }],
    pool: (name) => ({ kind: 'StoragePool', metadata: { name }, spec: { directory: { path: `/pools/${name}` } } }),
    get acts() {
      return host.acts;
    },
    get reads() {
      return host.calls.filter((call) => call.startsWith('machines.read')).length;
    },
    get asked() {
      return host.calls;
    },
    forget: () => {
      host.calls.length = 0;
    },
    disconnect: async () => {
      const reads = () => host.calls.filter((call) => call.startsWith('machines.read')).length;
      const known = reads();
      host.disconnect();
      await until(() => reads() > known);
    },
    cut: (uuid) => behind.destroy(uuid),
    pauseAndResume: (uuid) => {
      behind.pause(uuid);
      behind.resume(uuid);
    },
    setCpus: (uuid, cpuCount) => behind.edit(uuid, { cpuCount }),
    slowReads: (ms) => host.faults.slow('machines.read', ms),
    unreadable: (uuid) => host.guest(uuid, { unreadable: new DriverError('TimedOut', 'no answer') }),
    get machines() {
      return [...host.machines.values()].map(({ nativeName, configured }) => ({
        nativeName,
        cpuCount: configured?.cpuCount ?? 0,
        memoryBytes: configured?.memoryBytes ?? 0,
      }));
    },
    files: async (pool) => [...host.directory(`/pools/${pool}`).keys()],
    [Symbol.asyncDispose]: async () => {},
  };
}
