import { Complaint } from '#cli/complaint.js';
import type { Hypervisor, VirtualMachine } from '#crds/types.js';
import { hypervisors, virtualMachines } from '#crds/types.js';
import type { Driver, MachineId } from '#drivers/driver.js';
import type { Drivers, Target } from '#drivers/target.js';
import type { Flags } from './commands.js';
import { needsCopy, wayTo } from './credentials.js';
import { ApiError, type Client, createClient, loadKubeConfig } from './kubernetes/client.js';
import type { KubernetesObject, Resource } from './kubernetes/resource.js';
import { operatorNamespace } from './namespaces.js';
import { copyOf, decodeSecret, type Secret, secrets } from './secrets.js';
import { decoderOf } from './watched.js';

interface Terminal {
  readonly input: AsyncIterable<Uint8Array>;
  readonly output: { write(bytes: Uint8Array): unknown };
}

/** The serial console of a machine, reached through its host's driver, until the machine stops, the input ends or the signal comes. */
export async function consoleCommand(
  flags: Flags,
  args: readonly string[],
  drivers: Drivers,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const [name, ...rest] = args;
  if (name === undefined || rest.length > 0) throw new Complaint('name one machine: virtwright console MACHINE [-n NAMESPACE]');
  await using client = createClient(await loadKubeConfig(flags.kubeconfig, flags.context));
  const machine = await find(
    client,
    virtualMachines,
    decoderOf('VirtualMachine'),
    { namespace: flags.namespace ?? client.namespace, name },
    signal,
  );
  const hypervisor = await find(client, hypervisors, decoderOf('Hypervisor'), { name: hostOf(machine) }, signal);
  await using driver = await drivers.connect(await targetOf(client, hypervisor, flags, drivers, signal), signal);
  await follow(driver, await running(driver, machine, signal), terminal, signal);
}

/** With the credentials that the host's agent has, for whoever may read them. */
async function targetOf(
  client: Client,
  hypervisor: Hypervisor,
  flags: Flags,
  { credentialKeys }: Drivers,
  signal: AbortSignal,
): Promise<Target> {
  const namespace = flags['operator-namespace'] ?? operatorNamespace;
  const copy = needsCopy(hypervisor, credentialKeys) ? await readCopy(client, hypervisor.metadata.name, namespace, signal) : undefined;
  const way = wayTo(hypervisor, copy, namespace, credentialKeys);
  if (way.kind === 'closed') throw new Complaint(`host "${hypervisor.metadata.name}": ${way.failure.message}`);
  return way.target;
}

async function readCopy(client: Client, hypervisor: string, namespace: string, signal: AbortSignal): Promise<Secret | undefined> {
  const name = copyOf(hypervisor);
  try {
    return decodeSecret(await client.get(secrets, { namespace, name }, signal));
  } catch (reason) {
    if (ApiError.is(reason, 'NotFound')) return undefined;
    if (!ApiError.is(reason, 'Forbidden')) throw reason;
    throw new Complaint(
      `the console is reached through host "${hypervisor}" itself, and you may not read its credentials: ask for the right to get Secret "${name}" in namespace "${namespace}"`,
    );
  }
}

async function find<R extends VirtualMachine | Hypervisor>(
  client: Client,
  resource: Resource,
  decode: (raw: KubernetesObject) => R,
  ref: { namespace?: string; name: string },
  signal: AbortSignal,
): Promise<R> {
  try {
    return decode(await client.get(resource, ref, signal));
  } catch (reason) {
    if (reason instanceof ApiError && reason.reason === 'NotFound')
      throw new Complaint(
        `there is no ${resource.kind} "${ref.name}"${ref.namespace === undefined ? '' : ` in namespace "${ref.namespace}"`}`,
      );
    throw reason;
  }
}

function hostOf({ metadata, status }: VirtualMachine): string {
  if (status?.hypervisor !== undefined) return status.hypervisor;
  throw new Complaint(`machine "${metadata.name}" has no host yet (${status?.printableStatus ?? 'not looked at'})`);
}

async function running(driver: Driver, { metadata, status }: VirtualMachine, signal: AbortSignal): Promise<MachineId> {
  const glances = await driver.machines.list(signal);
  const found = glances.find(({ uuid }) => uuid === status?.uuid);
  if (found === undefined || found.power.state === 'Off')
    throw new Complaint(`machine "${metadata.name}" is not running (${status?.printableStatus ?? 'Unknown'})`);
  return found.id;
}

async function follow({ consoles }: Driver, id: MachineId, { input, output }: Terminal, signal: AbortSignal): Promise<void> {
  if (consoles === undefined) throw new Complaint('this host has no consoles');
  await using serial = await consoles.open(id, signal);
  const ended = new AbortController();
  const typed = (async () => {
    for await (const bytes of input) await serial.write(bytes, signal);
  })();
  const shown = (async () => {
    for await (const bytes of serial.output) output.write(bytes);
  })();
  const interrupted = new Promise<void>((resolve) =>
    signal.addEventListener('abort', () => resolve(), { once: true, signal: ended.signal }),
  );
  try {
    await Promise.race([typed, shown, interrupted]);
  } finally {
    ended.abort();
    for (const half of [typed, shown]) half.catch(() => {});
  }
}
