import t from 'tap';
import type { MachineId, Mark } from '#drivers/driver.js';
import { LibvirtAdoption } from './adoption.js';
import { Daemon } from './daemon.js';
import { pretended } from './dialects/pretended/dialect.js';
import type { Connection } from './rpc/connection.js';
import { markPlace } from './set-metadata.js';

const uuid = '7d4c2f1e-0000-4000-8000-000000000001';
const id = uuid as MachineId;
const mark: Mark = { owner: { cluster: 'c1', namespace: 'shop', name: 'web', uid: 'u1' }, record: '' };
const { signal } = new AbortController();

/** As libvirt shows what it was given. */
const prefixed = (xml: string, key: string, uri: string): string =>
  xml.replace(/<(\/?)(\w)/g, `<$1${key}:$2`).replace(/^<[^\s/>]+/, (start) => `${start} xmlns:${key}='${uri}'`);

/** What a host keeps of one machine that it starts with itself. Of whoever asks, the `lethal`-th change is the last. */
class Host {
  readonly #metadata = new Map<string, string>();
  autostart = true;
  #left = Number.POSITIVE_INFINITY;
  #isDone = false;

  get isMarked(): boolean {
    return this.#metadata.has(markPlace.uri);
  }

  dieAt(lethal: number, isDone: boolean): void {
    this.#left = lethal;
    this.#isDone = isDone;
  }

  readonly call = async ({ name }: { readonly name: string }, asked: unknown): Promise<unknown> => {
    const { key, uri = '', metadata, autostart = false } = asked as { key?: string; uri?: string; metadata?: string; autostart?: boolean };
    const its = [...this.#metadata.values()].join('');
    if (name === 'DOMAIN_GET_XML_DESC')
      return `<domain type='test'><name>web</name><uuid>${uuid}</uuid><memory unit='KiB'>65536</memory><vcpu>1</vcpu><metadata>${its}</metadata><os><type>hvm</type></os><devices/></domain>`;
    if (name === 'DOMAIN_GET_AUTOSTART') return this.autostart;
    const isLast = this.#left-- <= 1;
    if (isLast && !this.#isDone) throw new Error('killed');
    if (name === 'DOMAIN_SET_AUTOSTART') this.autostart = autostart;
    else if (metadata === undefined) this.#metadata.delete(uri);
    else this.#metadata.set(uri, prefixed(metadata, `${key}`, uri));
    if (isLast) throw new Error('killed');
    return undefined;
  };
}

t.test('whoever dies while adopting, no machine with a mark is started by its host, and released it is again', async (t) => {
  for (const lethal of [1, 2, 3])
    for (const isDone of [false, true]) {
      const host = new Host();
      const adoption = new LibvirtAdoption(new Daemon({ call: host.call } as unknown as Connection), pretended);
      host.dieAt(lethal, isDone);
      await t.rejects(adoption.adopt(id, mark, signal), /killed/);
      t.notOk(host.isMarked && host.autostart, `died ${isDone ? 'after' : 'before'} change ${lethal}`);
      host.dieAt(Number.POSITIVE_INFINITY, true);
      // With its mark it is ours, and nobody adopts it again.
      if (!host.isMarked) await adoption.adopt(id, mark, signal);
      t.same([host.isMarked, host.autostart], [true, false]);
      await adoption.release(id, mark.owner, signal);
      t.same([host.isMarked, host.autostart], [false, true], 'as it was');
    }
});
