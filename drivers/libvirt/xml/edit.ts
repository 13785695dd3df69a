import type { KernelBoot, MachineDefinition, MachineShape, Mark } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { append, withAttribute, withChild, withoutChildren, withText } from '#drivers/xml/edit.js';
import { attribute, child, element, elements, isElement, type XmlElement } from '#drivers/xml/tree.js';
import { withBootOrder } from './boot-order.js';
import { withGuestAgent } from './channel.js';
import { checkDefinition } from './definition.js';
import { withDisks } from './disk.js';
import { withFirmware } from './firmware.js';
import { withGraphics } from './graphics.js';
import { withInterfaces } from './interface.js';
import { withMark } from './metadata.js';
import { hasRng, readCpuCount, readMaxCpuCount, readMaxMemory, readMemory } from './read.js';
import { withSeed } from './seed.js';
import { withSerial, withSerialLog } from './serial.js';
import { withTpm } from './tpm.js';

/**
 * The domain made to say what the definition and the mark say, changed only where reading it says something else, so that all that others
 * or the host put there stays. Name and uuid are the domain's identity and are not edited. Unchanged is the same object.
 * @throws DriverError Invalid when the definition cannot be said exactly
 */
export function editDomain(domain: XmlElement, definition: MachineDefinition, mark: Mark): XmlElement {
  checkDefinition(definition);
  const edits: readonly ((edited: XmlElement) => XmlElement)[] = [
    (edited) => withMark(edited, mark),
    (edited) => withCpuCount(edited, definition),
    (edited) => withMemory(edited, definition),
    (edited) => withChild(edited, element('os'), (os) => withKernelBoot(withFirmware(os, definition), definition.boot)),
    (edited) => withChild(edited, element('devices'), (devices) => withDevices(devices, definition)),
    (edited) => withSeed(edited, definition.seed),
    (edited) => withBootOrder(edited, definition.bootOrder),
  ];
  return edits.reduce((edited, edit) => edit(edited), domain);
}

/** A NUMA cell counts for itself and would win over what is said of the whole; of several cells nobody told us which one is to change. */
function withNumaCell(domain: XmlElement, field: string, edit: (cell: XmlElement) => XmlElement): XmlElement {
  const cells = elements(child(domain, 'cpu', 'numa'), 'cell');
  if (cells.length === 0) return domain;
  if (cells.length > 1)
    throw new DriverError(
      'Invalid',
      `${field}: the native machine has ${cells.length} NUMA cells; change it there, or take the cells away`,
    );
  return withChild(domain, element('cpu'), (cpu) => withChild(cpu, element('numa'), (numa) => withChild(numa, element('cell'), edit)));
}

/** Room to grow that is there stays, unless another is asked for. */
function mostOf(asked: number, askedMost: number | undefined, has: number | undefined, hasMost: number | undefined): number {
  if (askedMost !== undefined) return askedMost;
  return has !== undefined && hasMost !== undefined && hasMost > has ? Math.max(hasMost, asked) : asked;
}

/** A topology, and a list of single CPUs, speak of another number of CPUs and would be refused beside the new one. */
function withCpuCount(domain: XmlElement, { cpuCount: count, maxCpuCount }: MachineShape): XmlElement {
  const [has, hasMost] = [readCpuCount(domain), readMaxCpuCount(domain)];
  if (has === count && (maxCpuCount === undefined || maxCpuCount === hasMost)) return domain;
  const most = mostOf(count, maxCpuCount, has, hasMost);
  const counted = withChild(domain, element('vcpu', { placement: 'static' }), (vcpu) =>
    withAttribute(withText(vcpu, `${most}`), 'current', count === most ? undefined : `${count}`),
  );
  const listless = withoutChildren(counted, (each) => isElement(each, 'vcpus'));
  const celled = withNumaCell(listless, 'cpu.count', (cell) => withAttribute(cell, 'cpus', most === 1 ? '0' : `0-${most - 1}`));
  const cpu = child(celled, 'cpu');
  if (cpu === undefined || topologyCount(cpu) === most) return celled;
  return withChild(celled, cpu, (each) => withoutChildren(each, (part) => isElement(part, 'topology')));
}

function topologyCount(cpu: XmlElement): number {
  const topology = child(cpu, 'topology');
  return ['sockets', 'dies', 'clusters', 'cores', 'threads'].reduce((count, part) => count * Number(attribute(topology, part) ?? 1), 1);
}

function withMemory(domain: XmlElement, { memoryBytes: bytes, maxMemoryBytes }: MachineShape): XmlElement {
  const [has, hasMost] = [readMemory(domain), readMaxMemory(domain)];
  if (has === bytes && (maxMemoryBytes === undefined || maxMemoryBytes === hasMost)) return domain;
  const most = mostOf(bytes, maxMemoryBytes, has, hasMost);
  const sized = (size: number) => (each: XmlElement) => withAttribute(withText(each, `${size / 1024}`), 'unit', 'KiB');
  const total = withChild(withChild(domain, element('memory'), sized(most)), element('currentMemory'), sized(bytes));
  return withNumaCell(total, 'memory.size', (cell) => withAttribute(withAttribute(cell, 'memory', `${most / 1024}`), 'unit', 'KiB'));
}

function withKernelBoot(os: XmlElement, boot: KernelBoot | undefined): XmlElement {
  const parts = { kernel: boot?.kernel, initrd: boot?.initrd, cmdline: boot?.commandLine };
  return Object.entries(parts).reduce(
    (edited, [name, text]) =>
      withChild(edited, element(name), (each) => (text === undefined || text === '' ? undefined : withText(each, text))),
    os,
  );
}

function withDevices(devices: XmlElement, definition: MachineDefinition): XmlElement {
  const attached = withInterfaces(withDisks(devices, definition.disks, definition.cdroms), definition.interfaces, definition.uuid);
  const shown = withGraphics(withTpm(attached, definition.tpm), definition.graphics);
  const printing = withSerialLog(withSerial(shown, definition.serial), definition.serialLog);
  return withGuestAgent(withRng(printing, definition.rng), definition.guestAgent ?? false);
}

function withRng(devices: XmlElement, wanted: boolean): XmlElement {
  if (hasRng(devices) === wanted) return devices;
  if (!wanted) return withoutChildren(devices, (each) => isElement(each, 'rng'));
  return append(devices, element('rng', { model: 'virtio' }, element('backend', { model: 'random' }, '/dev/urandom')));
}
