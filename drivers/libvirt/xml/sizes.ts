import type { MachineShape } from '#drivers/driver.js';
import { withAttribute, withChild, withoutChildren, withText } from '#drivers/xml/edit.js';
import { attribute, child, element, isElement, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { withNumaCell } from './numa.js';
import { sizeOf, wholeNumber } from './units.js';

/** The CPUs that are plugged in, of the most there may be. */
export function readCpuCount(domain: XmlElement): number | undefined {
  const vcpu = child(domain, 'vcpu');
  return wholeNumber(attribute(vcpu, 'current') ?? textOf(vcpu));
}

/** What the guest is given, of the most it may be given: `virsh setmem` changes it. */
export function readMemory(domain: XmlElement): number | undefined {
  return sizeOf(child(domain, 'currentMemory') ?? child(domain, 'memory'), 'KiB');
}

export const readMaxCpuCount = (domain: XmlElement): number | undefined => wholeNumber(textOf(child(domain, 'vcpu')));
export const readMaxMemory = (domain: XmlElement): number | undefined => sizeOf(child(domain, 'memory'), 'KiB');

/** Room to grow that is there stays, unless another is asked for. */
function mostOf(asked: number, askedMost: number | undefined, has: number | undefined, hasMost: number | undefined): number {
  if (askedMost !== undefined) return askedMost;
  return has !== undefined && hasMost !== undefined && hasMost > has ? Math.max(hasMost, asked) : asked;
}

/** A topology, and a list of single CPUs, speak of another number of CPUs and would be refused beside the new one. */
export function withCpuCount(domain: XmlElement, { cpuCount: count, maxCpuCount }: MachineShape): XmlElement {
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

export function withMemory(domain: XmlElement, { memoryBytes: bytes, maxMemoryBytes }: MachineShape): XmlElement {
  const [has, hasMost] = [readMemory(domain), readMaxMemory(domain)];
  if (has === bytes && (maxMemoryBytes === undefined || maxMemoryBytes === hasMost)) return domain;
  const most = mostOf(bytes, maxMemoryBytes, has, hasMost);
  const sized = (size: number) => (each: XmlElement) => withAttribute(withText(each, `${size / 1024}`), 'unit', 'KiB');
  const total = withChild(withChild(domain, element('memory'), sized(most)), element('currentMemory'), sized(bytes));
  return withNumaCell(total, 'memory.size', (cell) => withAttribute(withAttribute(cell, 'memory', `${most / 1024}`), 'unit', 'KiB'));
}
