import fc from 'fast-check';
import t from 'tap';
import { definition, hypervHost, mark, soon } from '#test/peers/hyperv-host.js';
import { memoryDifference, memoryShape, sizesNext } from './memory.js';

t.setTimeout(300_000);

const mib = 2 ** 20;

for (const mode of ['v2', 'v1'] as const)
  t.test(`${mode}: dynamic memory comes at the next start, stays, and goes when the bounds are the size`, async (t) => {
    const { simulator, driver, read } = await hypervHost(t, mode);
    const has = () => {
      const memory = simulator.machineNamed('shop.web')?.devices.find(({ className }) => className === 'Msvm_MemorySettingData');
      return ['VirtualQuantity', 'Reservation', 'Limit', 'DynamicMemoryEnabled', 'TargetMemoryBuffer'].map((name) => memory?.values[name]);
    };
    const wide = { minMemoryBytes: 32 * mib, maxMemoryBytes: 128 * mib };
    const id = await driver.machines.define(definition, mark, soon());
    t.same(has(), ['64', '64', '64', 'false', '20']);
    await driver.power.start(id, { paused: false }, soon());
    await driver.machines.define({ ...definition, ...wide, hyperv: { memoryBufferPercent: 50 } }, mark, soon());
    const running = await read(id);
    t.match(running?.configured, { ...wide, hyperv: { memoryBufferPercent: 50 } });
    t.equal(running?.live?.maxMemoryBytes, undefined, 'not yet');
    await driver.power.cut(id, mark.owner, soon());
    await driver.power.start(id, { paused: false }, soon());
    t.same(has(), ['64', '32', '128', 'true', '50']);
    t.match((await read(id))?.live, { ...wide, hyperv: { memoryBufferPercent: 50 } });
    await driver.power.cut(id, mark.owner, soon());

    const writes = () => simulator.machineNamed('shop.web')?.writes;
    const before = writes();
    await driver.machines.define(definition, mark, soon());
    t.equal(writes(), before, 'what nobody speaks of stays');
    await driver.machines.define({ ...definition, memoryBytes: 256 * mib }, mark, soon());
    t.same(has(), ['256', '32', '256', 'true', '50'], 'as far as the size leaves room for it');
    await driver.machines.define({ ...definition, minMemoryBytes: 64 * mib, maxMemoryBytes: 64 * mib }, mark, soon());
    t.same(has(), ['64', '64', '64', 'false', '50']);
    t.notMatch((await read(id))?.configured, { minMemoryBytes: 64 * mib });

    const native = simulator.machineNamed('shop.web');
    const memory = native?.devices.find(({ className }) => className === 'Msvm_MemorySettingData');
    if (native === undefined || memory === undefined) throw new Error('no memory');
    native.replaceDevice(memory, { DynamicMemoryEnabled: 'true' });
    t.equal((await read(id))?.configured?.hyperv, undefined, 'between bounds that are one nothing is dynamic');
    const turned = writes();
    await driver.machines.define(definition, mark, soon());
    t.equal(writes(), turned, 'and people may have it so');

    for (const [change, message] of [
      [{ minMemoryBytes: 33 * mib }, /memory.minSize: .* in multiples of 2 MiB/],
      [{ minMemoryBytes: 128 * mib }, /memory.minSize: .* at most memory.size/],
      [{ maxMemoryBytes: 32 * mib }, /memory.maxSize: .* or more/],
      [{ maxMemoryBytes: 2 ** 41 }, /memory.maxSize: .* at most 1099511627776/],
      [{ hyperv: { memoryBufferPercent: 50 } }, /memoryBufferPercent: 50 with memory that is not dynamic/],
      [{ ...wide, hyperv: { memoryBufferPercent: 4 } }, /5 to 2000/],
    ] as const)
      await t.rejects(driver.machines.define({ ...definition, ...change }, mark, soon()), { code: 'Invalid', message });
    await driver.machines.undefine(id, mark.owner, { keepState: false }, soon());
  });

t.test('a Windows that has no dynamic memory says so, and takes the rest', async (t) => {
  const { simulator, driver } = await hypervHost(t, 'v1', { windows: '6.1.7600' });
  const fields = (await driver.host.describe(soon())).capabilities.map(({ field }) => field);
  t.same(
    ['memory.size', 'memory.minSize', 'memory.maxSize', 'hyperv.memoryBufferPercent'].filter((field) => fields.includes(field)),
    ['memory.size'],
  );
  const asked = { ...definition, minMemoryBytes: 32 * mib };
  const refusal = { code: 'Unsupported', message: /memory.minSize was given; Windows 6.1.7600 has no dynamic memory/ };
  await t.rejects(driver.machines.define(asked, mark, soon()), refusal);
  t.equal(simulator.host.machines.size, 0);
  await driver.machines.define(definition, mark, soon());
  await t.rejects(driver.machines.define(asked, mark, soon()), refusal);
  await driver.machines.define({ ...definition, memoryBytes: 128 * mib }, mark, soon());
});

t.test('property: what is asked for is what is there then, and nothing more is asked', async () => {
  const bytes = fc.integer({ min: 16, max: 64 }).map((each) => each * 2 * mib);
  const sizes = fc
    .tuple(bytes, bytes, bytes)
    .map((each) => each.toSorted((a, b) => a - b))
    .map(([leastBytes = 0, startBytes = 0, mostBytes = 0]) => ({ startBytes, leastBytes, mostBytes }));
  const optional = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });
  fc.assert(
    fc.property(
      sizes,
      sizes,
      fc.record({ isLeast: fc.boolean(), isMost: fc.boolean() }),
      optional(fc.constant(50)),
      (now, asked, has, buffer) => {
        const wish = {
          memoryBytes: asked.startBytes,
          ...(has.isLeast ? { minMemoryBytes: asked.leastBytes } : {}),
          ...(has.isMost ? { maxMemoryBytes: asked.mostBytes } : {}),
          ...(buffer === undefined ? {} : { hyperv: { memoryBufferPercent: buffer } }),
        };
        const next = sizesNext(now, memoryDifference(now, wish));
        const shape = memoryShape(next);
        const isAsAsked =
          shape.memoryBytes === wish.memoryBytes &&
          (!has.isLeast || (shape.minMemoryBytes ?? shape.memoryBytes) === asked.leastBytes) &&
          (!has.isMost || (shape.maxMemoryBytes ?? shape.memoryBytes) === asked.mostBytes);
        return isAsAsked && Object.keys(memoryDifference(next, wish)).length === 0;
      },
    ),
  );
});
