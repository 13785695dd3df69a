import { serializeXml } from '#drivers/xml/serialize.js';
import { element } from '#drivers/xml/tree.js';
import type { Daemon } from './daemon.js';
import { isLibvirt } from './rpc/driver-error.js';
import { metadataTypes } from './rpc/flags.js';
import { domainGetMetadata, domainSetMetadata } from './rpc/procedures.js';
import type { DomainHandle } from './rpc/types.js';

/**
 * A note in the machine that it was started paused. libvirt gives such a machine the reason of one that its user paused; without the note,
 * whoever comes back after a crash could not tell which of the two waits to be let run. Written before the start, it is there in time.
 */
const note = { type: metadataTypes.element, uri: 'https://virtwright.io/xmlns/libvirt/start/1' } as const;

/** `flags`: affectFlags.live or affectFlags.config. */
export async function wasStartedPaused(daemon: Daemon, domain: DomainHandle, flags: number, signal: AbortSignal): Promise<boolean> {
  try {
    await daemon.ask(domainGetMetadata, { domain, ...note, flags }, signal, domain.uuid);
    return true;
  } catch (reason) {
    if (isLibvirt(reason, 'noDomainMetadata') || isLibvirt(reason, 'operationInvalid')) return false;
    throw reason;
  }
}

export function noteStartedPaused(
  daemon: Daemon,
  domain: DomainHandle,
  paused: boolean,
  flags: number,
  signal: AbortSignal,
): Promise<void> {
  const metadata = paused ? serializeXml(element('paused')) : undefined;
  return daemon.order(domainSetMetadata, { domain, ...note, key: 'virtwright-start', metadata, flags }, signal, domain.uuid);
}
