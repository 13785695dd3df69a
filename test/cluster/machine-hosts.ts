import type { MachineHost } from './machine-host.js';
import { fakeMachineHost } from './machine-host-fake.js';
import { hypervMachineHost } from './machine-host-hyperv.js';

const machineHosts = {
  fake: fakeMachineHost,
  'hyperv-v1': () => hypervMachineHost('v1'),
  'hyperv-v2': () => hypervMachineHost('v2'),
} as const satisfies Readonly<Record<string, () => Promise<MachineHost>>>;

/** Which host the suite runs on: in memory, when the environment does not say. @throws when it names none */
export function machineHostNamed(name = 'fake'): () => Promise<MachineHost> {
  if (!Object.hasOwn(machineHosts, name))
    throw new Error(`VIRTWRIGHT_HOST: "${name}" was given; accepted: ${Object.keys(machineHosts).join(', ')}`);
  return machineHosts[name as keyof typeof machineHosts];
}
