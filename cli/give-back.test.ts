import t from 'tap';
import { ApiError, type Client } from '#controllers/kubernetes/client.js';
import type { VirtualMachine } from '#crds/types.js';
import { giveBack, whyNotGranted } from './give-back.js';

const refused = (reason: 'Conflict' | 'NotFound' | 'Forbidden') => new ApiError(reason, { status: 400, reason });

/** One machine on an API server; `before` a call is done, and `after`, somebody else does something. */
class Server {
  version = 1;
  annotations: Record<string, string> = {};
  deletionTimestamp: string | undefined;
  readonly #before: (verb: string) => void;
  readonly #after: (verb: string) => void;

  constructor({ before = () => {}, after = () => {} }: { before?: (verb: string) => void; after?: (verb: string) => void } = {}) {
    this.#before = before;
    this.#after = after;
  }

  get object(): VirtualMachine {
    const { version, annotations, deletionTimestamp } = this;
    const goes = deletionTimestamp === undefined ? {} : { deletionTimestamp };
    const metadata = { name: 'web', namespace: 'shop', uid: 'u', resourceVersion: `${version}`, generation: 1, annotations, ...goes };
    return { metadata, spec: {}, status: { hypervisor: 'one', hardware: {} } } as unknown as VirtualMachine;
  }

  #answer(verb: string, signal: AbortSignal, resourceVersion: string | undefined, act: () => void) {
    this.#before(verb);
    signal.throwIfAborted();
    if (resourceVersion !== undefined && resourceVersion !== `${this.version}`) throw refused('Conflict');
    act();
    this.#after(verb);
    signal.throwIfAborted();
    return this.object;
  }

  readonly client = {
    get: async (...[, , signal]: Parameters<Client['get']>) => this.#answer('get', signal, undefined, () => {}),
    mergePatch: async (...[, , patch, { resourceVersion }, signal]: Parameters<Client['mergePatch']>) =>
      this.#answer('patch', signal, resourceVersion, () => {
        const { annotations } = patch.metadata as { annotations: Record<string, string | null> };
        const all = Object.entries({ ...this.annotations, ...annotations });
        this.annotations = Object.fromEntries(all.flatMap(([key, value]) => (value === null ? [] : [[key, value]])));
        this.version += 1;
      }),
    delete: async (...[, , { resourceVersion }, signal]: Parameters<Client['delete']>) => {
      this.#answer('delete', signal, resourceVersion, () => {
        this.deletionTimestamp = '2030-01-01T00:00:00Z';
        this.version += 1;
      });
    },
  } as unknown as Client;

  get isReleased(): boolean {
    return this.annotations['virtwright.io/release'] === 'true';
  }
}

t.test('whoever writes its status meanwhile keeps nobody from giving it back', async (t) => {
  let writes = 2;
  const server: Server = new Server({
    before: (verb) => {
      if (verb === 'delete' && writes-- > 0) server.version += 1;
    },
  });
  await giveBack(server.client, server.object, AbortSignal.timeout(60_000));
  t.ok(server.isReleased && server.deletionTimestamp !== undefined);
});

t.test('interrupted before it was deleted, it is as it was; afterwards, its machine stays', async (t) => {
  for (const [verb, when, isDeleted] of [
    ['patch', 'after', false],
    ['delete', 'before', false],
    ['delete', 'after', true],
  ] as const) {
    const stop = new AbortController();
    const interrupt = (at: string) => {
      if (at === verb) stop.abort();
    };
    const server = new Server({ [when]: interrupt });
    await t.rejects(giveBack(server.client, server.object, stop.signal), { name: 'AbortError' });
    t.same([server.deletionTimestamp !== undefined, server.isReleased], [isDeleted, isDeleted], `${when} ${verb}`);
  }
});

t.test('a deletion that took effect and was asked for again is no failure', async (t) => {
  let answers = 0;
  const server: Server = new Server({
    after: (verb) => {
      if (verb === 'delete' && answers++ === 0) throw refused('Conflict');
    },
  });
  await giveBack(server.client, server.object, AbortSignal.timeout(60_000));
  t.ok(server.isReleased && server.deletionTimestamp !== undefined);
});

t.test('what its host would refuse is known before', async (t) => {
  const { object } = new Server();
  const known = (grants: readonly object[], missing?: string) =>
    ({
      get: async ({ kind }: { kind: string }) => {
        if (kind === missing) throw refused('Forbidden');
        return kind === 'Namespace'
          ? { metadata: { name: 'shop', uid: 'n', resourceVersion: '1', labels: { team: 'a' } } }
          : { metadata: { name: 'one' }, spec: { grants } };
      },
    }) as unknown as Client;
  const { signal } = new AbortController();
  const to = (team: string) => ({ namespaces: { from: 'Selector', selector: { matchLabels: { team } } }, machines: ['u'] });
  t.equal(await whyNotGranted(known([to('a')]), object, signal), undefined);
  t.match(
    await whyNotGranted(known([to('b')]), object, signal),
    /u may not be left to itself by namespace "shop" on one; name it in spec.grants/,
  );
  await t.rejects(whyNotGranted(known([], 'Hypervisor'), object, signal), { message: 'Forbidden' });
  t.equal(await whyNotGranted(known([], 'Hypervisor'), { ...object, status: {} }, signal), undefined, 'nothing is there');
});
