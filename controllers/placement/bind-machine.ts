import {
  type Hypervisor,
  hypervisors,
  type StorageVolume,
  type VirtualMachine,
  type VirtualMachineStatus,
  virtualMachines,
} from '#crds/types.js';
import type { Binder } from '../binder.js';
import { conditions, readiness } from '../conditions.js';
import { addFinalizer, isHeldOn, removeFinalizer } from '../finalizer.js';
import { holdHost } from '../held-hosts.js';
import { instanceName } from '../instance-name.js';
import { ApiError } from '../kubernetes/client.js';
import { getNow } from '../kubernetes/now.js';
import { compareVersions } from '../kubernetes/resource.js';
import { publishStatus } from '../loop.js';
import { askedAddresses, claimsOf, duplicates } from '../mac-addresses.js';
import type { Outcome } from '../reconcile.js';
import { clonesOf, isLinked, volumesOf } from '../stores.js';
import { ungrantedTo } from '../virtual-machine/ungranted.js';
import { bindVolume, instanceFor } from './bind-volume.js';
import { type Choice, choose } from './choose.js';
import { askToLeave, hasLeft, unbind } from './evacuate.js';
import type { Reservation } from './ledger.js';
import { makeVolumes } from './make-volumes.js';
import { isInherited, missingNetworks, missingVolumes, namesOf, presentVolumes, type Unplaced } from './missing.js';
import { movesTo } from './moves.js';
import { neighbourhood } from './neighbourhood.js';
import type { Candidates } from './request.js';

/**
 * Gives a machine its host, once and for all: its volumes are claimed, then it gets its finalizer, then status.hypervisor is
 * written with the resourceVersion that was seen. Only then does any agent see it.
 */
export async function placeMachine(binder: Binder, machine: VirtualMachine, signal: AbortSignal): Promise<Outcome> {
  // Of two that ask for one MAC address, the second sees what the first was given.
  const macAddresses = askedAddresses(machine).map(({ macAddress }) => macAddress);
  return binder.locks.hold(macAddresses, () => place(binder, machine, signal));
}

async function place(binder: Binder, seen: VirtualMachine, signal: AbortSignal): Promise<Outcome> {
  const claimed = await claimAddresses(binder, seen, signal);
  const isLeft = claimed.metadata.deletionTimestamp === undefined && hasLeft(claimed);
  const machine = isLeft ? await unbind(binder, claimed, signal) : claimed;
  const bound = machine.status?.hypervisor;
  if (machine.metadata.deletionTimestamp !== undefined) return bound === undefined ? letGo(binder, machine, signal) : { kind: 'converged' };
  const missing = missingVolumes(binder, machine, await makeVolumes(binder, machine, signal));
  if (missing !== undefined)
    return bound === undefined ? unplaced(binder, machine, missing, signal) : { kind: 'waiting', because: missing.message };
  if (bound !== undefined) {
    const hypervisor = binder.watched.hypervisors.store.get(bound);
    if (hypervisor !== undefined) {
      await claimVolumes(binder, machine, hypervisor, signal);
      await askToLeave(binder, machine, hypervisor, () => placeFor(binder, machine), signal);
    }
    const isRefused = machine.status?.macAddressClaims?.some(({ heldBy }) => heldBy !== undefined) === true;
    return isRefused ? { kind: 'waiting', because: 'another machine has its MAC address' } : { kind: 'converged' };
  }
  const absent = missingNetworks(binder, machine);
  if (absent !== undefined) return unplaced(binder, machine, absent, signal);
  return chooseAndBind(binder, machine, signal);
}

async function chooseAndBind(binder: Binder, machine: VirtualMachine, signal: AbortSignal): Promise<Outcome> {
  const atFirst = choose(machine, candidates(binder, machine));
  if (atFirst.kind === 'none') return unplaced(binder, machine, atFirst, signal);
  const { name } = atFirst.hypervisor.metadata;
  if (!(await isAsSeen(binder, atFirst.hypervisor, signal)))
    return { kind: 'progressing', recheckMs: 1_000, because: `Hypervisor "${name}" is another than was seen` };
  // Nothing is waited for between the choice and its reservation: of two machines, the second sees what the first was given.
  const choice = choose(machine, candidates(binder, machine));
  if (choice.kind === 'none') return unplaced(binder, machine, choice, signal);
  const reservation = binder.ledger.reserve(machine, choice.hypervisor.metadata.name);
  await bind(binder, machine, choice.hypervisor, reservation, signal);
  return { kind: 'converged' };
}

/** Where a machine could go on that is to lose its host; or why nowhere. */
export function placeFor(binder: Binder, machine: VirtualMachine): Choice {
  const { reason, message } = missingVolumes(binder, machine, new Map()) ?? missingNetworks(binder, machine) ?? {};
  if (reason !== undefined && message !== undefined) return { kind: 'none', reason, message, reasons: [], rejected: [] };
  return choose(machine, candidates(binder, machine));
}

const candidates = (binder: Binder, machine: VirtualMachine): Candidates => ({
  hypervisors: binder.watched.hypervisors.store.list(),
  volumes: presentVolumes(binder, machine),
  instanceFor: (volume, hypervisor) => placeOf(binder, volume, hypervisor, machine),
  networkOn: (network, { metadata }) =>
    binder.watched.networkInstances.store.get(`${machine.metadata.namespace}/${instanceName(network, metadata.name)}`),
  ungrantedOn: (hypervisor) => ungrantedTo(machine, hypervisor, binder.watched.namespaces.store),
  duplicatesOn: ({ metadata }) => duplicates(machine, metadata.name, addressesIn(binder)).map(({ because }) => because),
  usage: (name) => binder.ledger.usage(name, machine.metadata.uid),
  around: neighbourhood(binder),
});

const addressesIn = ({ watched }: Binder) => ({ machines: watched.machines.store, networks: watched.networks.store });

/** What a machine that has a host asks for later is given, or refused, here: its agent sees no machines of other hosts. */
async function claimAddresses(binder: Binder, machine: VirtualMachine, signal: AbortSignal): Promise<VirtualMachine> {
  const { metadata, status } = machine;
  if (status?.hypervisor === undefined || metadata.deletionTimestamp !== undefined) return machine;
  const claimed = withClaims(binder, machine, status.hypervisor);
  return publishStatus({ client: binder.client, ...binder.watched.machines }, machine, claimed, signal);
}

function withClaims(binder: Binder, machine: VirtualMachine, host: string): VirtualMachineStatus {
  const { macAddressClaims: _, ...rest } = machine.status ?? {};
  const claims = claimsOf(machine, host, addressesIn(binder));
  return { ...rest, ...(claims.length === 0 ? {} : { macAddressClaims: claims }) };
}

/** Where a volume that is not on this host would be on it. */
function placeOf(binder: Binder, volume: StorageVolume, hypervisor: Hypervisor, { metadata }: VirtualMachine) {
  return volume.status?.hypervisor === undefined
    ? instanceFor(binder, volume, hypervisor)
    : movesTo(binder, volume, hypervisor, metadata.uid);
}

/** A watch may still show the Hypervisors of a cluster that was lost since, with no word of the machines that it left behind. */
async function isAsSeen({ client, watched }: Binder, { metadata }: Hypervisor, signal: AbortSignal): Promise<boolean> {
  const { items } = await client.list(hypervisors, { fieldSelector: `metadata.name=${metadata.name}`, limit: 1 }, signal);
  const [now] = items.map(watched.hypervisors.decode);
  if (now?.metadata.uid !== metadata.uid || compareVersions(now.metadata.resourceVersion, metadata.resourceVersion) < 0) return false;
  watched.hypervisors.store.set(now);
  return true;
}

/** Never given to an agent, so nothing of it is anywhere. */
async function letGo({ client }: Binder, machine: VirtualMachine, signal: AbortSignal): Promise<Outcome> {
  await removeFinalizer(client, virtualMachines, machine, signal);
  return { kind: 'converged' };
}

async function claimVolumes(binder: Binder, machine: VirtualMachine, hypervisor: Hypervisor, signal: AbortSignal): Promise<void> {
  const { disks } = volumesOf(machine);
  const claim = { machine: machine.metadata.name, uid: machine.metadata.uid };
  const inherits = await isHeir(binder, machine, signal);
  for (const name of namesOf(machine)) {
    const bindingOf = (volume: StorageVolume) => {
      const isHere = volume.status?.hypervisor === hypervisor.metadata.name;
      const instance = isHere ? undefined : placeOf(binder, volume, hypervisor, machine);
      // A disk that was added later may be elsewhere: it is not this machine's to claim.
      if (!isHere && instance === undefined) return undefined;
      const isBase = clonesOf(volume, binder.watched.volumes.store).some(({ spec }) => isLinked(spec));
      const former = volume.status?.claim;
      const isFree = former === undefined || (inherits && isInherited(former, machine));
      const toClaim = disks.includes(name) && isFree && !isBase;
      const place = instance === undefined ? {} : { hypervisor: hypervisor.metadata.name, pool: instance.metadata.name };
      return toClaim || instance !== undefined ? { ...place, ...(toClaim ? { claim } : {}) } : undefined;
    };
    await bindVolume(binder, `${machine.metadata.namespace}/${name}`, bindingOf, signal);
  }
}

/** Whether claims of others of its name are of earlier ones: the API server itself is asked, as a watch may show one that is gone. */
async function isHeir({ client, watched }: Binder, machine: VirtualMachine, signal: AbortSignal): Promise<boolean> {
  const { namespace, name, uid } = machine.metadata;
  const claims = namesOf(machine).map((volume) => watched.volumes.store.get(`${namespace}/${volume}`)?.status?.claim);
  if (!claims.some((claim) => claim !== undefined && isInherited(claim, machine))) return false;
  return (await getNow(client, virtualMachines, { namespace, name }, signal))?.metadata.uid === uid;
}

async function bind(
  binder: Binder,
  machine: VirtualMachine,
  hypervisor: Hypervisor,
  reservation: Reservation,
  signal: AbortSignal,
): Promise<void> {
  const { client, watched } = binder;
  const host = hypervisor.metadata.name;
  let tried: string | undefined;
  try {
    await claimVolumes(binder, machine, hypervisor, signal);
    await holdHost(binder, host, signal);
    const held = isHeldOn(machine, host)
      ? machine
      : watched.machines.decode(await addFinalizer(client, virtualMachines, machine, host, signal));
    const { namespace, name, uid, resourceVersion } = held.metadata;
    const { placement: _placement, evacuation: _evacuation, ...before } = withClaims(binder, held, host);
    const status: VirtualMachineStatus = { ...before, hypervisor: host };
    tried = resourceVersion;
    const bound = await client.applyStatus(
      virtualMachines,
      { metadata: { namespace, name, uid, resourceVersion }, status },
      { force: true },
      signal,
    );
    watched.machines.store.set(watched.machines.decode(bound));
    reservation.release();
    binder.recorder.record(machine, { type: 'Normal', reason: 'Placed', note: `placed on ${host}` });
  } catch (reason) {
    if (tried === undefined || isRefusal(reason)) reservation.release();
    else reservation.linger(tried);
    throw reason;
  }
}

/** The API server's own no: nothing was written. Without an answer, it may have been. */
const isRefusal = (reason: unknown): boolean => ApiError.is(reason) && reason.status >= 400 && reason.status < 500;

async function unplaced(
  { client, watched, patience, recorder }: Binder,
  machine: VirtualMachine,
  { reason, message, reasons = [], rejected = [] }: Unplaced,
  signal: AbortSignal,
): Promise<Outcome> {
  const { metadata, status: before } = machine;
  const kind = reason === 'RestoredOrCopied' ? 'stalled' : 'reconciling';
  const { placement: _, ...rest } = before ?? {};
  const status: VirtualMachineStatus = {
    ...rest,
    observedGeneration: metadata.generation,
    printableStatus: reason,
    ...(rejected.length === 0 ? {} : { placement: { reasons, rejected } }),
    conditions: conditions(before?.conditions, metadata.generation, Date.now(), readiness({ kind, reason, message })),
  };
  const impatientInMs = patience.left(machine, status);
  if (impatientInMs > 0) return { kind: 'progressing', recheckMs: impatientInMs, because: message };
  await publishStatus({ client, ...watched.machines }, machine, status, signal);
  // Which host had how much room when is told in status; here, that it waits.
  if (reason !== before?.printableStatus && rejected.length > 0) recorder.record(machine, { type: 'Warning', reason, note: message });
  return { kind: 'waiting', because: message };
}
