import type { Adoption, MachineId, Mark, OwnerMark } from '#drivers/driver.js';
import { assertOwner } from '#drivers/owner.js';
import { withAttribute } from '#drivers/xml/edit.js';
import { attribute, child, childNS, elements, type XmlElement } from '#drivers/xml/tree.js';
import type { Daemon } from './daemon.js';
import type { Dialect } from './dialects/dialect.js';
import { handleOf, isActive, readDomain } from './domains.js';
import { unlessGone } from './gone.js';
import { domainGetAutostart, domainSetAutostart } from './rpc/procedures.js';
import { markPlace, namesPlace, setMetadata } from './set-metadata.js';
import { withFoundNames } from './xml/found-names.js';
import { markElement, readMark } from './xml/metadata.js';
import { namesElement, namesNamespace } from './xml/names-in-metadata.js';
import { readIdentity } from './xml/read.js';

/** By metadata alone, which libvirt changes in a machine that runs, and which no guest sees. */
export class LibvirtAdoption implements Adoption {
  readonly #daemon: Daemon;
  readonly #dialect: Pick<Dialect, 'readShape'>;

  constructor(daemon: Daemon, dialect: Pick<Dialect, 'readShape'>) {
    this.#daemon = daemon;
    this.#dialect = dialect;
  }

  /** The names first: whoever dies before the mark is there leaves words that nobody reads. */
  async adopt(id: MachineId, mark: Mark, signal: AbortSignal): Promise<void> {
    const [inactive, current] = await this.#read(id, signal);
    const carried = readMark(current);
    if (carried !== undefined) assertOwner(readIdentity(current).nativeName, carried, mark.owner);
    const startsWithHost = startedWithHost(inactive) || (await this.#autostart(id, signal));
    const names = withAttribute(
      namesElement(elements(child(withFoundNames(inactive, this.#dialect.readShape), 'devices'))),
      autostart,
      startsWithHost ? 'yes' : undefined,
    );
    await setMetadata(this.#daemon, id, namesPlace, names, isActive(current), signal);
    // Who starts what is ours is decided elsewhere. It is noted by now; with the mark it is adopted, and nobody looks again.
    if (startsWithHost) await this.#setAutostart(id, false, signal);
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
    if (startedWithHost(inactive)) await this.#setAutostart(id, true, signal);
    if (carried !== undefined) await setMetadata(this.#daemon, id, markPlace, undefined, active, signal);
    if (read.some(hasNames)) await setMetadata(this.#daemon, id, namesPlace, undefined, active, signal);
  }

  #autostart(id: MachineId, signal: AbortSignal): Promise<boolean> {
    return this.#daemon.ask(domainGetAutostart, { domain: handleOf(id) }, signal, id);
  }

  async #setAutostart(id: MachineId, on: boolean, signal: AbortSignal): Promise<void> {
    await this.#daemon.order(domainSetAutostart, { domain: handleOf(id), autostart: on }, signal, id);
  }

  async #read(id: MachineId, signal: AbortSignal): Promise<readonly [inactive: XmlElement, current: XmlElement]> {
    return [await readDomain(this.#daemon, id, 'inactive', signal), await readDomain(this.#daemon, id, 'current', signal)];
  }
}

const autostart = 'autostart';
const listIn = (domain: XmlElement): XmlElement | undefined => childNS(child(domain, 'metadata'), namesNamespace, 'devices');
/** Noted when it was adopted: the host was to start it whenever it starts itself. */
const startedWithHost = (domain: XmlElement): boolean => attribute(listIn(domain), autostart) === 'yes';
const hasNames = (domain: XmlElement): boolean => listIn(domain) !== undefined;
