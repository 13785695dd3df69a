import t from 'tap';
import type { Driver, VolumeDefinition, VolumeFormat } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Simulator } from '#simulators/hyperv/simulator.js';
import { hypervHost, pool, soon } from '#test/peers/hyperv-host.js';

t.setTimeout(900_000);

const network = {
  uuid: '5c3a3b3e-1f0e-4a6e-9a7b-333333333333',
  nativeName: 'shop.rear',
  forward: { mode: 'None' },
  records: [],
} as const;
const isChange = (what: string) => /\.(Add|Modify|Remove|Create|Delete|Define|Destroy|Convert|Resize|Expand)/.test(what);

function facets({ volumes, networks }: Driver) {
  if (volumes === undefined || networks === undefined) throw new Error('a facet is missing');
  return { volumes, networks };
}

/** A base, a copy and a linked clone of it, each grown where it can be; and a switch. Then all of it is gone again. As a controller does, it goes on where another life ended. */
async function life(driver: Driver, mode: 'v1' | 'v2'): Promise<void> {
  const { volumes, networks } = facets(driver);
  const format: VolumeFormat = mode === 'v2' ? 'Vhdx' : 'Vhd';
  const of = (nativeName: string, sizeBytes: number): VolumeDefinition => ({ pool, nativeName, format, sizeBytes });
  const remove = (nativeName: string) => volumes.delete({ pool, nativeName }, soon());
  const [base, copy, link] = [of('base', 4 << 20), of('copy', 8 << 20), of('link', mode === 'v2' ? 8 << 20 : 4 << 20)];
  const from = { id: { pool, nativeName: base.nativeName }, format };
  await unlessThere(volumes.create(base, soon()), async () => {});
  // What is there may be not whole: its record says so, and it is begun anew.
  const anew = (make: () => Promise<unknown>, { nativeName }: VolumeDefinition) =>
    unlessThere(make(), async () => {
      await remove(nativeName);
      await make();
    });
  await anew(() => volumes.copy(copy, from, soon()), copy);
  await anew(() => volumes.link(link, from, soon()), link);
  const id = await networks.define(network, soon());
  await networks.undefine(id, soon());
  for (const { nativeName } of [link, copy, base]) await remove(nativeName);
}

async function unlessThere(making: Promise<unknown>, otherwise: () => Promise<void>): Promise<void> {
  try {
    await making;
  } catch (reason) {
    if (!(reason instanceof DriverError && reason.code === 'Conflict')) throw reason;
    await otherwise();
  }
}

/** At the `nth` change our process ends: the host has heard of that one, or has not. Nothing is heard after it. Gives how many it came to. */
function endAt({ troubles }: Simulator['host'], nth: number, isHeard: boolean): () => number {
  let count = 0;
  const act = async (what: string) => {
    if (count >= nth) throw new Error('nobody is there any more');
    if (isChange(what)) count += 1;
    if (count < nth) return;
    if (!isHeard) throw new Error('it is not heard');
    troubles.add('*', { kind: 'cut', when: 'after' }, 1);
  };
  troubles.add('*', { kind: 'meet', act });
  return () => count;
}

for (const mode of ['v2', 'v1'] as const)
  for (const isHeard of [false, true])
    t.test(
      `${mode}: whoever ends anywhere in the life of clones and a switch, ${isHeard ? 'heard' : 'unheard'}, leaves nothing double`,
      async (t) => {
        const { simulator, connect } = await hypervHost(t, mode, { byJob: true, jobMs: 60 });
        const { host } = simulator;
        const switches = () => [...host.switches.values()].filter(({ settings }) => settings['ElementName'] === network.nativeName).length;
        const files = () => host.options.store.all().length;
        let isOver = false;
        for (let nth = 1; !isOver; nth += 1) {
          const first = await connect();
          const changes = endAt(host, nth, isHeard);
          isOver = await life(first, mode).then(
            () => changes() < nth,
            () => false,
          );
          host.troubles.calm();
          t.ok(switches() <= 1 && files() <= 3, `ended at ${nth}`);
          const second = await connect();
          await life(second, mode);
          t.same([switches(), files()], [0, 0], `the next one after the end at ${nth} has it all, and lets it go`);
          await Promise.all([first[Symbol.asyncDispose](), second[Symbol.asyncDispose]()]);
          if (nth > 30) throw new Error('a life takes more than 30 changes');
        }
        // A growth that a life left behind may find its disk deleted by the next.
        const making = host.jobs.all.filter(({ name }) => !/^(Resize|Expand)/.test(name));
        const failed = making.filter(({ state }) => state === 'failed').map(({ name, failure }) => [name, failure?.message]);
        t.same(failed, [], 'no job failed, as one that is begun a second time does');
      },
    );
