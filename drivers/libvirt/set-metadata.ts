import type { MachineId } from '#drivers/driver.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import type { XmlElement } from '#drivers/xml/tree.js';
import type { Daemon } from './daemon.js';
import { handleOf } from './domains.js';
import { hasCode } from './gone.js';
import { affectFlags, metadataTypes } from './rpc/flags.js';
import { domainSetMetadata } from './rpc/procedures.js';
import { markNamespace, markPrefix } from './xml/metadata.js';
import { namesNamespace, namesPrefix } from './xml/names-in-metadata.js';

/** One of ours in a domain's metadata: libvirt keeps one element of each namespace, and shows it with the prefix. */
export interface Place {
  readonly key: string;
  readonly uri: string;
}

export const markPlace: Place = { key: markPrefix, uri: markNamespace };
export const namesPlace: Place = { key: namesPrefix, uri: namesNamespace };

/**
 * Puts the element there, or with `undefined` takes away what is there, in the definition and in what runs. The host refuses to write a definition that is
 * not there, and then has written nothing.
 */
export async function setMetadata(
  daemon: Daemon,
  id: MachineId,
  place: Place,
  element: XmlElement | undefined,
  active: boolean,
  signal: AbortSignal,
): Promise<void> {
  const metadata = element === undefined ? undefined : serializeXml(element);
  const what = { domain: handleOf(id), type: metadataTypes.element, metadata, ...place };
  const set = (flags: number) => daemon.order(domainSetMetadata, { ...what, flags }, signal, id);
  if (!active) return set(affectFlags.config);
  await set(affectFlags.live | affectFlags.config).catch((reason) => {
    if (!hasCode(reason, 'Conflict')) throw reason;
    return set(affectFlags.current);
  });
}
