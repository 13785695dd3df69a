import { operation } from '#drivers/vsphere/soap/envelope.js';
import { createVm, destroy, findAllByUuid, powerOff, suspend } from '#drivers/vsphere/soap/operations.js';
import { retrieveOne } from '#drivers/vsphere/soap/properties.js';
import { Session } from '#drivers/vsphere/soap/session.js';
import { Tasks } from '#drivers/vsphere/soap/tasks.js';
import { anyText, integer, list, optional, type Ref, ref, struct, text } from '#drivers/vsphere/soap/types.js';
import { child, element, elements, textOf } from '#drivers/xml/tree.js';
import type { Vcsim } from '#test/peers/vsphere/vcsim.js';
import { faults, type Trouble, type VsphereProxy } from '#test/servers/vsphere-proxy.js';
import type { GuestRecipe, Peer } from './subject.js';

const soon = () => AbortSignal.timeout(30_000);
const option = struct({ key: text, value: anyText }, 'OptionValue');
const spec = struct({ annotation: optional(text), memoryMB: optional(integer), extraConfig: list(option) });
const reconfigure = operation('ReconfigVM_Task', { spec }, ref);
const annotation = 'theirs: <keep> & "this"';

/** Where a machine of a stranger is put. */
export interface Place {
  readonly folder: Ref;
  readonly pool: Ref;
  readonly host: Ref;
}

/** A stranger at a simulated host, by a session of its own that no trouble of the proxy meets. */
export class VspherePeer {
  readonly #session: Session;
  readonly #tasks: Tasks;
  readonly #proxy: VsphereProxy;
  readonly #place: Place;
  readonly #deaf = new Set<string>();
  readonly #broken = new Set<string>();

  constructor(session: Session, proxy: VsphereProxy, place: Place) {
    this.#session = session;
    this.#tasks = new Tasks(session);
    this.#proxy = proxy;
    this.#place = place;
    proxy.trouble('ShutdownGuest', this.#of(this.#deaf, faults('ToolsUnavailable', 'VMware Tools are not running.')));
    proxy.trouble(
      'PowerOnVM_Task',
      this.#of(
        this.#broken,
        faults('InsufficientMemoryResourcesFault', 'No memory.', '<unreserved>1</unreserved><requested>2</requested>'),
      ),
    );
  }

  static async open(
    { port, ca, username, password }: Vcsim,
    proxy: VsphereProxy,
    place: (session: Session) => Promise<Place>,
  ): Promise<VspherePeer> {
    const session = await Session.open({ host: '127.0.0.1', port, trust: { ca } }, { username, password }, soon());
    return new VspherePeer(session, proxy, await place(session));
  }

  async close(): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
  }

  readonly peer: Peer = {
    destroy: async (uuid) => this.#done(await this.#session.ask(powerOff, await this.#machine(uuid), {}, soon())),
    pause: async (uuid) => this.#done(await this.#session.ask(suspend, await this.#machine(uuid), {}, soon())),
    editMemory: async (uuid, memoryBytes) => this.#edit(uuid, { memoryMB: memoryBytes / 2 ** 20, extraConfig: [] }),
    decorate: async (uuid) => {
      await this.#edit(uuid, { annotation, extraConfig: [{ key: 'theirs.keep', value: 'this' }] });
      return async () => {
        const found = await retrieveOne(this.#session, await this.#machine(uuid), ['config.annotation', 'config.extraConfig'], soon());
        const kept = elements(found?.element('config.extraConfig')).some((each) => textOf(child(each, 'key')) === 'theirs.keep');
        return kept && found?.get('config.annotation', text) === annotation;
      };
    },
    writeTrace: async (uuid) =>
      (await retrieveOne(this.#session, await this.#machine(uuid), ['config.changeVersion'], soon()))?.get('config.changeVersion', text) ??
      '',
    hang: async (uuid) => {
      const machine = await this.#machine(uuid);
      let release = () => {};
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      this.#proxy.trouble('SuspendVM_Task', async ({ body, forward }) => {
        if (body.includes(`>${machine.value}<`)) await held;
        return forward();
      });
      return async () => release();
    },
    strangersMachine: async ({ uuid, nativeName }) => {
      const { folder, ...where } = this.#place;
      const parts = { name: nativeName, instanceUuid: uuid, guestId: 'otherGuest64' };
      const config = element(
        'config',
        {},
        ...Object.entries(parts).map(([name, value]) => element(name, {}, value)),
        element('files', {}, element('vmPathName', {}, '[LocalDS_0]')),
      );
      await this.#done(await this.#session.ask(createVm, folder, { config, ...where }, soon()));
      return async () => this.#done(await this.#session.ask(destroy, await this.#machine(uuid), {}, soon()));
    },
    disconnect: async () => {
      this.#proxy.closed(true);
      this.#proxy.cut();
    },
  };

  /** Without VMware Tools. */
  readonly deaf: GuestRecipe = this.#recipe(this.#deaf);
  /** With more memory than the host has left. */
  readonly unstartable: GuestRecipe = this.#recipe(this.#broken);

  #recipe(uuids: Set<string>): GuestRecipe {
    return {
      prepare: async (definition) => {
        uuids.add(definition.uuid);
        return definition;
      },
    };
  }

  #of(uuids: ReadonlySet<string>, trouble: Trouble): Trouble {
    return async (asked) => {
      const id = /<_this[^>]*>([^<]*)</.exec(asked.body)?.[1] ?? '';
      const found = await retrieveOne(this.#session, { type: 'VirtualMachine', value: id }, ['config.instanceUuid'], soon());
      return uuids.has(found?.get('config.instanceUuid', text) ?? '') ? trouble(asked) : asked.forward();
    };
  }

  async #edit(uuid: string, change: Parameters<typeof spec.write>[1]): Promise<void> {
    await this.#done(await this.#session.ask(reconfigure, await this.#machine(uuid), { spec: change }, soon()));
  }

  async #machine(uuid: string): Promise<Ref> {
    const asked = { uuid, vmSearch: true, instanceUuid: true };
    const [found] = await this.#session.ask(findAllByUuid, this.#session.content.searchIndex, asked, soon());
    if (found === undefined) throw new Error(`no machine ${uuid}`);
    return found;
  }

  async #done(task: Ref): Promise<void> {
    await this.#tasks.finished(task, soon());
  }
}
