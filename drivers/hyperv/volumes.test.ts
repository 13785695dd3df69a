import t from 'tap';
import { hypervHost, pool, soon } from '#test/peers/hyperv-host.js';

t.setTimeout(300_000);

for (const mode of ['v2', 'v1'] as const)
  t.test(`${mode}: a fixed disk takes its room at once, grows, and is refused where there is not as much`, async (t) => {
    const { simulator, facet } = await hypervHost(t, mode);
    const volumes = facet('volumes');
    const { store } = simulator.host.options;
    store.disk = () => ({ capacity: 2 ** 40, free: 2 ** 39 });
    const fixed = { pool, nativeName: 'fixed', format: 'Vhd', sizeBytes: 64 << 20, allocation: 'Full' } as const;
    const free = async () => (await facet('pools').list(soon())).find(({ id }) => id === pool)?.availableBytes ?? 0;
    const before = await free();
    const made = await volumes.create(fixed, soon());
    t.match(made, { allocation: 'Full', sizeBytes: 64 << 20 });
    t.ok(made.allocationBytes >= 64 << 20);
    t.ok(before - (await free()) >= 64 << 20, 'and the pool has less');
    await volumes.grow(made.id, 128 << 20, soon());
    const source = { id: made.id, format: 'Vhd' } as const;
    const copy = await volumes.copy({ ...fixed, nativeName: 'copy', sizeBytes: 128 << 20 }, source, soon());
    t.match(copy, { allocation: 'Full', sizeBytes: 128 << 20 });
    const { allocation: _, ...thin } = fixed;
    t.equal((await volumes.copy({ ...thin, nativeName: 'thin', sizeBytes: 128 << 20 }, source, soon())).allocation, undefined);
    const linked = { ...fixed, nativeName: 'linked', sizeBytes: 128 << 20 };
    await t.rejects(volumes.link(linked, source, soon()), { code: 'Unsupported', message: /takes what differs/ });
    store.disk = () => ({ capacity: 2 ** 40, free: 2 ** 30 });
    const large = { ...fixed, nativeName: 'large', sizeBytes: 2 ** 31 };
    await t.rejects(volumes.create(large, soon()), { code: 'Exhausted', message: /not enough space/ });
    await t.rejects(volumes.grow(made.id, 2 ** 31, soon()), { code: 'Exhausted', message: /not enough space/ });
    await t.resolves(volumes.create({ ...thin, nativeName: 'large', sizeBytes: 2 ** 31 }, soon()), 'a dynamic one needs none at first');
    t.match(
      (await volumes.list(pool, { refresh: true }, soon())).map(({ id, allocation }) => [id.nativeName, allocation]),
      [
        ['copy', 'Full'],
        ['fixed', 'Full'],
        ['large', undefined],
        ['thin', undefined],
      ],
    );
  });

for (const mode of ['v2', 'v1'] as const)
  t.test(`${mode}: a fixed disk that another life still has written keeps no other one waiting`, async (t) => {
    const { simulator, facet, disk } = await hypervHost(t, mode);
    const { host } = simulator;
    const file = 'd:\\hyper-v\\large.vhd';
    await host.options.store.touch(file);
    const written = host.jobs.start('Creating large.vhd', 'Msvm_StorageJob', () => new Promise(() => {}), mode === 'v2' ? { type: 1 } : {});
    written.percent = 40;
    t.match(await disk('small'), { sizeBytes: 4 << 20 });
    const itself = { pool, nativeName: 'large', format: 'Vhd', sizeBytes: 2 ** 30, allocation: 'Full' } as const;
    await t.rejects(facet('volumes').create(itself, soon()), { code: 'Busy', message: /the host still makes it/ });
    t.equal(written.state, 'running');
  });
