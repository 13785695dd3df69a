import { readFileSync } from 'node:fs';
import type { Driver } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { absentFacets } from '#drivers/libvirt/absent-facets.js';
import type { Dialect } from '#drivers/libvirt/dialects/dialect.js';
import { libvirtDriver } from '#drivers/libvirt/driver.js';
import type { Connection } from '#drivers/libvirt/rpc/connection.js';
import { isInLibvirt, type LibvirtColumn } from './matrix.js';

const golden = (name: string): string => readFileSync(new URL(`../../../test/golden/${name}.xml`, import.meta.url), 'utf8');

/** A daemon that is not there: what one says of its host, and by libvirt's own matrix, what it can be asked. */
export interface Recording {
  readonly column: LibvirtColumn;
  /** As CONNECT_GET_TYPE answers. */
  readonly type: string;
  readonly capabilities: string;
  readonly domainCapabilities?: string;
  /** libvirt's version, as it tells it: 9_000_000 is 9.0.0. That of the matrix when left out. */
  readonly version?: number;
}

/** Which row of the matrix says whether there is such a call. */
const rows: Readonly<Record<string, string>> = {
  DOMAIN_UPDATE_DEVICE_FLAGS: 'update device',
  DOMAIN_TRY_CONSOLE: 'serial console stream',
  DOMAIN_OPEN_CONSOLE: 'serial console stream',
  DOMAIN_INTERFACE_ADDRESSES: 'guest IPs',
  CONNECT_GET_ALL_DOMAIN_STATS: 'bulk stats',
  CONNECT_GET_DOMAIN_CAPABILITIES: 'domain capabilities',
};

/** Facets that are found out by calls of which no row of the matrix says anything. */
const unsaid: Readonly<Record<string, string>> = {
  STORAGE_POOL_LOOKUP_BY_UUID: 'pools',
  STORAGE_VOL_RESIZE: 'volumes',
  NETWORK_LOOKUP_BY_UUID: 'networks',
  DOMAIN_GET_INFO: 'stats',
};

function answer(recording: Recording, name: string): unknown {
  const row = rows[name];
  if (row !== undefined && !isInLibvirt(row, recording.column)) throw new DriverError('Unsupported', `${name} is not supported`);
  switch (name) {
    case 'CONNECT_GET_TYPE':
      return recording.type;
    case 'CONNECT_GET_VERSION':
    case 'CONNECT_GET_LIB_VERSION':
      return recording.version ?? 12_008_000;
    case 'CONNECT_GET_CAPABILITIES':
      return golden(recording.capabilities);
    case 'CONNECT_GET_DOMAIN_CAPABILITIES':
      return golden(recording.domainCapabilities ?? '');
    case 'NODE_GET_INFO':
      return { model: 'x86_64', memory: 2 ** 24, cpus: 8, mhz: 2000, nodes: 1, sockets: 1, cores: 8, threads: 1 };
    case 'CONNECT_GET_STORAGE_POOL_CAPABILITIES':
      throw new DriverError('Unsupported', `${name} is not supported`);
    default:
      throw new DriverError('NotFound', `${name}: there is no such thing`);
  }
}

export interface Replayed extends Driver {
  /** Facets that the driver took for there because nobody said otherwise: neither the recording nor the matrix. */
  readonly untested: readonly string[];
}

/** The driver for it; nothing but its description can be had. */
export async function replayed(recording: Recording, dialect: Dialect, signal: AbortSignal): Promise<Replayed> {
  const untested: string[] = [];
  const connection = {
    call: async ({ name }: { readonly name: string }) => {
      const facet = unsaid[name];
      if (facet !== undefined) untested.push(facet);
      return answer(recording, name);
    },
    isLocal: false,
    closed: new Promise(() => {}),
    [Symbol.asyncDispose]: async () => {},
  } as unknown as Connection;
  const driver = libvirtDriver(connection, async () => connection, dialect, { absent: await absentFacets(connection, signal) });
  return Object.assign(driver, { untested });
}
