import type { Adoption, MachineId, Mark, OwnerMark } from '#drivers/driver.js';
import { assertOwner } from '#drivers/owner.js';
import { child, childNS, elements, type XmlElement } from '#drivers/xml/tree.js';
import type { Daemon } from './daemon.js';
import { isActive, readDomain } from './domains.js';
import { unlessGone } from './gone.js';
import { markPlace, namesPlace, setMetadata } from './set-metadata.js';
import { withFoundNames } from './xml/found-names.js';
import { markElement, readMark } from './xml/metadata.js';
import { namesElement, namesNamespace } from './xml/names-in-metadata.js';
import { readIdentity } from './xml/read.js';

/** By metadata alone, which libvirt changes in a machine that runs, and which no guest sees. */
export class LibvirtAdoption implements Adoption {
  readonly #daemon: Daemon;

  constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  /** The names first: whoever dies before the mark is there leaves words that nobody reads. */
  async adopt(id: MachineId, mark: Mark, signal: AbortSignal): Promise<void> {
    const [inactive, current] = await this.#read(id, signal);
    const carried = readMark(current);
    if (carried !== undefined) assertOwner(readIdentity(current).nativeName, carried, mark.owner);
    const names = namesElement(elements(child(withFoundNames(inactive), 'devices')));
    await setMetadata(this.#daemon, id, namesPlace, names, isActive(current), signal);
    await setMetadata(this.#daemon, id, markPlace, markElement(mark), isActive(current), signal);
  }

  /** The mark first: without it nobody takes the names for anything. */
  async release(id: MachineId, owner: OwnerMark, signal: AbortSignal): Promise<void> {
    const read = await unlessGone(this.#read(id, signal));
    if (read === undefined) return;
    const [inactive, current] = read;
    const carried = readMark(current) ?? readMark(inactive);
    if (carried !== undefined) assertOwner(readIdentity(current).nativeName, carried, owner);
    const active = isActive(current);
    if (carried !== undefined) await setMetadata(this.#daemon, id, markPlace, undefined, active, signal);
    if (read.some(hasNames)) await setMetadata(this.#daemon, id, namesPlace, undefined, active, signal);
  }

  async #read(id: MachineId, signal: AbortSignal): Promise<readonly [inactive: XmlElement, current: XmlElement]> {
    return [await readDomain(this.#daemon, id, 'inactive', signal), await readDomain(this.#daemon, id, 'current', signal)];
  }
}

const hasNames = (domain: XmlElement): boolean => childNS(child(domain, 'metadata'), namesNamespace, 'devices') !== undefined;
