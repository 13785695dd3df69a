import type { Capability } from '#drivers/driver.js';
import type { Means } from '#drivers/proof.js';
import type { Evidence } from './evidence.js';
import type { LibvirtColumn } from './matrix.js';

/** A kind of host, as one described itself through its driver. */
export interface Column {
  readonly name: string;
  /** By what it is measured; absent for what libvirt knows nothing of. */
  readonly libvirt?: LibvirtColumn;
  /** Components and versions. */
  readonly said: string;
  readonly provenOn: Means;
  readonly capabilities: readonly Capability[];
  readonly facets: readonly string[];
  /** What tests have shown of it. */
  readonly evidence: Evidence;
  /** Facets of which nobody said that the host has them, and nobody that it has not. */
  readonly untested?: readonly string[];
  /** What differs from host to host, or these fields of it, is told as a rule, so that the page is the same wherever it is made. */
  readonly isOneOfMany?: true | readonly string[];
  /** Capabilities that its kind of host, or libvirt's driver for it, has no word for. */
  readonly lacks?: readonly string[];
}

export const told = ({ capabilities }: Column, field: string): Capability | undefined => capabilities.find((one) => one.field === field);

export const makesMachines = (column: Column): boolean => told(column, 'cpu.count') !== undefined;

/** What is there is looked at, and nothing is made. */
export const isSeenOnly = (column: Column): boolean => column.libvirt !== undefined && !makesMachines(column);

export const isUntested = ({ untested = [] }: Column, facet: string): boolean => untested.includes(facet);

export const facets = [
  'host',
  'machines',
  'power',
  'live',
  'adoption',
  'pools',
  'volumes',
  'networks',
  'consoles',
  'guests',
  'events',
  'stats',
  'snapshots',
] as const;
