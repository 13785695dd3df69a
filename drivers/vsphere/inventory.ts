import type { MachineId } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { elements, type XmlElement } from '#drivers/xml/tree.js';
import type { PortGroup } from './config/interface.js';
import { keys } from './config/mark.js';
import { decodeName, glancePaths, isTemplate, machinePaths, type NativeMachine, readNative } from './config/native.js';
import type { Scope } from './scope.js';
import { reconfigVm } from './soap/operations.js';
import { along, type Properties, type Query, retrieve, retrieveAll, retrieveOne, smallPage } from './soap/properties.js';
import type { Session } from './soap/session.js';
import type { Tasks } from './soap/tasks.js';
import { boolean, integer, type Ref, ref, struct, text } from './soap/types.js';

export function machineRef(id: MachineId): Ref {
  return { type: 'VirtualMachine', value: id };
}

export interface Datastore {
  readonly ref: Ref;
  readonly name: string;
  readonly url: string;
  readonly accessible: boolean;
  readonly capacityBytes: number;
  readonly freeBytes: number;
  readonly browser: Ref;
}

export interface Group extends PortGroup {
  readonly ref: Ref;
  readonly accessible: boolean;
}

/** What is there in our part of a host's inventory. */
export class Inventory {
  readonly session: Session;
  readonly scope: Scope;
  readonly tasks: Tasks;

  constructor(session: Session, scope: Scope, tasks: Tasks) {
    this.session = session;
    this.scope = scope;
    this.tasks = tasks;
  }

  /** All machines of the scope, templates left out. */
  async glances(signal: AbortSignal): Promise<readonly Properties[]> {
    return (await retrieve(this.session, this.machines(glancePaths), signal)).filter((machine) => !isTemplate(machine));
  }

  /** Of all machines, whatever is asked of them: those of a host are on it also while they are off. */
  machines(paths: readonly string[]): Query {
    const { host, compute } = this.scope;
    const onHost = { type: 'HostSystem', path: 'vm' };
    const from = host === undefined ? along(compute, { type: 'ComputeResource', path: 'host' }, onHost) : along(host, onHost);
    return { type: 'VirtualMachine', paths, from };
  }

  /** In full; devices only of machines with a mark, as the others' seldom change, and are many. What is gone is left out. */
  async natives(ids: readonly MachineId[], signal: AbortSignal): Promise<readonly NativeMachine[]> {
    const found = await retrieveAll(this.session, ids.map(machineRef), machinePaths, signal);
    const natives = found.filter((machine) => !isTemplate(machine)).map((machine) => readNative(machine, []));
    const marked = natives.filter(({ extra }) => extra[keys.owner] !== undefined).map((native) => native.ref);
    const byId = await this.devicesOf(marked, signal);
    return natives.map((native) => ({ ...native, devices: byId.get(native.ref.value) ?? [] }));
  }

  async devicesOf(machines: readonly Ref[], signal: AbortSignal): Promise<ReadonlyMap<string, readonly XmlElement[]>> {
    const found = await retrieveAll(this.session, machines, ['config.hardware.device'], signal, smallPage);
    return new Map(found.map((machine) => [machine.ref.value, elements(machine.element('config.hardware.device'))]));
  }

  /** In full, its devices too. NotFound when it is gone. */
  async native(id: MachineId, signal: AbortSignal): Promise<NativeMachine> {
    const found = await retrieveOne(this.session, machineRef(id), [...machinePaths, 'config.hardware.device'], signal);
    if (found === undefined || isTemplate(found)) throw new DriverError('NotFound', `machine ${id} is not on the host`);
    return readNative(found, elements(found.element('config.hardware.device')));
  }

  /** Acts on the machine as it is when its turn has come. NotFound when it is gone. */
  changing<T>(id: MachineId, signal: AbortSignal, act: (native: NativeMachine) => Promise<T>): Promise<T> {
    return this.tasks.change(machineRef(id), async () => act(await this.native(id, signal)), signal);
  }

  async reconfigure(machine: Ref, spec: XmlElement, signal: AbortSignal): Promise<void> {
    await this.tasks.finished(await this.session.ask(reconfigVm, machine, { spec }, signal), signal);
  }

  async datastores(signal: AbortSignal): Promise<readonly Datastore[]> {
    const paths = ['name', 'browser', 'summary'];
    const found = await retrieveAll(this.session, await this.#has('datastore', signal), paths, signal);
    return found.flatMap(readDatastore);
  }

  /** Standard port groups, and those of distributed switches but for their uplinks. */
  async networks(signal: AbortSignal): Promise<readonly Group[]> {
    const refs = await this.#has('network', signal);
    const ofType = (type: string) => refs.filter((each) => each.type === type);
    const standard = await retrieveAll(this.session, ofType('Network'), ['name', 'summary.accessible'], signal);
    const paths = ['name', 'summary.accessible', 'key', 'config.distributedVirtualSwitch'];
    const distributed = await retrieveAll(this.session, ofType('DistributedVirtualPortgroup'), paths, signal);
    return [...standard.map((one) => groupOf(one)), ...(await this.#distributed(distributed, signal))];
  }

  async #distributed(groups: readonly Properties[], signal: AbortSignal): Promise<readonly Group[]> {
    const switchOf = (group: Properties) => group.get('config.distributedVirtualSwitch', ref);
    const refs = [...new Map(groups.flatMap((group) => switchOf(group) ?? []).map((each) => [each.value, each])).values()];
    const switches = (
      await Promise.all(
        [...new Set(refs.map(({ type }) => type))].map((type) =>
          this.#switches(
            refs.filter((each) => each.type === type),
            signal,
          ),
        ),
      )
    ).flat();
    return groups.flatMap((group) => {
      const found = switches.find((each) => each.ref.value === switchOf(group)?.value);
      const [switchUuid, portgroupKey] = [found?.get('uuid', text), group.get('key', text)];
      const isUplink = found?.refs('config.uplinkPortgroup').some(({ value }) => value === group.ref.value) ?? false;
      return switchUuid === undefined || portgroupKey === undefined || isUplink ? [] : [groupOf(group, { switchUuid, portgroupKey })];
    });
  }

  #switches(refs: readonly Ref[], signal: AbortSignal): Promise<readonly Properties[]> {
    return retrieveAll(this.session, refs, ['uuid', 'config.uplinkPortgroup'], signal);
  }

  async #has(path: 'datastore' | 'network', signal: AbortSignal): Promise<readonly Ref[]> {
    return (await retrieveOne(this.session, this.scope.host ?? this.scope.compute, [path], signal))?.refs(path) ?? [];
  }
}

/** @throws DriverError NotOurs for one that another product manages */
export function assertUnmanaged({ glance, manager }: NativeMachine): void {
  if (manager === undefined) return;
  throw new DriverError('NotOurs', `machine "${glance.nativeName}" on the host is managed by ${manager}; it is left alone`);
}

const datastoreSummary = struct({ url: text, capacity: integer, freeSpace: integer, accessible: boolean });

function readDatastore(found: Properties): readonly Datastore[] {
  const [browser, summary] = [found.get('browser', ref), found.get('summary', datastoreSummary)];
  if (browser === undefined || summary === undefined) return [];
  const { url, accessible, capacity, freeSpace } = summary;
  const name = decodeName(found.get('name', text) ?? '');
  return [{ ref: found.ref, name, url, accessible, capacityBytes: capacity, freeBytes: freeSpace, browser }];
}

function groupOf(found: Properties, distributed?: PortGroup['distributed']): Group {
  return {
    ref: found.ref,
    name: decodeName(found.get('name', text) ?? ''),
    accessible: found.get('summary.accessible', text) !== 'false',
    ...(distributed === undefined ? {} : { distributed }),
  };
}
