import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentialKeys } from '#drivers/connect.js';
import { connectHypervDriver } from '#drivers/hyperv/driver.js';
import { type Connect, Credentials } from '#drivers/target.js';
import type { Machine } from '#simulators/hyperv/model/machine.js';
import type { Mode } from '#simulators/hyperv/model/words.js';
import { Simulator } from '#simulators/hyperv/simulator.js';
import { MachineObjects } from '#simulators/hyperv/wmi/machine-objects.js';
import { isChange } from '#test/faults/hyperv-lab.js';
import type { MachineHost } from './machine-host.js';
import { until } from './until.js';

const user = { name: 'Administrator', password: 'secret' };
const secret = { username: user.name, password: user.password };
const reading = 'Enumerate SELECT * FROM Msvm_ProcessorSettingData';
const listing = 'Enumerate SELECT * FROM Msvm_ComputerSystem';

const connect: Connect = ({ uri, credentials }, signal) =>
  connectHypervDriver(uri, credentials, { signal, pace: { first: 5, longest: 50 } });

/** A simulated Hyper-V, of which our driver knows what the wire tells. */
export async function hypervMachineHost(mode: Mode): Promise<MachineHost> {
  const folder = await mkdtemp(join(tmpdir(), 'vw-hyperv-'));
  for (const pool of ['fast', 'slow']) await mkdir(join(folder, 'D', pool), { recursive: true });
  const simulator = await Simulator.start({ mode, folder, users: [user], jobMs: 20 });
  const { host } = simulator;
  const uri = `hyperv://127.0.0.1:${simulator.port}/?transport=http`;
  const has = await capabilitiesAt(uri);
  const system = new MachineObjects(host);
  const native = (uuid: string): Machine => {
    const found = [...host.machines.values()].find(({ settings }) => settings['BIOSGUID'] === `{${uuid.toUpperCase()}}`);
    if (found === undefined) throw new Error(`no machine ${uuid}`);
    return found;
  };
  const enter = (uuid: string, state: Machine['state']) => {
    native(uuid).enter(state);
    host.happens('__InstanceModificationEvent', system.system(native(uuid)));
  };
  return {
    connect,
    credentialKeys,
    has,
    // Version 1 tells of nothing.
    pace: { glanceMs: mode === 'v1' ? 300 : 10_000 },
    hypervisor: (name) => [
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name, namespace: 'default' },
        stringData: secret,
      },
      {
        kind: 'Hypervisor',
        metadata: { name },
        spec: { uri, credentialsSecretName: name, defaultPoolRef: { name: 'fast' } },
      },
    ],
    pool: (name) => ({ kind: 'StoragePool', metadata: { name }, spec: { existing: { name: `d:\\${name}` } } }),
    get acts() {
      return host.asked.filter(isChange);
    },
    get reads() {
      return host.asked.filter((what) => what.startsWith(reading)).length;
    },
    get asked() {
      return host.asked;
    },
    forget: () => {
      host.asked.length = 0;
    },
    disconnect: async () => {
      const countOf = (beginning: string) => host.asked.filter((what) => what.startsWith(beginning)).length;
      const [reads, lists] = [countOf(reading), countOf(listing)];
      simulator.cut();
      // Whoever lost the host reads its machines again; whoever was between two looks, as with version 1, just goes on looking.
      await until(() => countOf(reading) > reads || countOf(listing) > lists + 1);
    },
    cut: (uuid) => enter(uuid, 'off'),
    pauseAndResume: (uuid) => {
      enter(uuid, 'paused');
      enter(uuid, 'running');
    },
    setCpus: (uuid, count) => {
      const processor = native(uuid).devices.find(({ className }) => className === 'Msvm_ProcessorSettingData');
      if (processor !== undefined) native(uuid).replaceDevice(processor, { VirtualQuantity: String(count) });
    },
    slowReads: (ms) => {
      host.troubles.calm();
      if (ms > 0) host.troubles.add(reading, { kind: 'slow', ms });
    },
    get machines() {
      return [...host.machines.values()].map((machine) => ({
        nativeName: machine.name,
        cpuCount: machine.number('Msvm_ProcessorSettingData', 'VirtualQuantity'),
        memoryBytes: machine.number('Msvm_MemorySettingData', 'VirtualQuantity') * 2 ** 20,
      }));
    },
    files: (pool) => readdir(join(folder, 'D', pool)),
    [Symbol.asyncDispose]: async () => {
      await simulator[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

async function capabilitiesAt(uri: string): Promise<MachineHost['has']> {
  const credentials = new Credentials(Object.entries(secret).map(([key, value]) => [key, Buffer.from(value)] as const));
  const signal = AbortSignal.timeout(60_000);
  await using driver = await connect({ uri, credentials }, signal);
  const { capabilities } = await driver.host.describe(signal);
  return (field) => capabilities.some((one) => one.field === field);
}
