import t from 'tap';
import type { MachineId } from '#drivers/driver.js';
import { connectHypervDriver } from '#drivers/hyperv/driver.js';
import { Credentials } from '#drivers/target.js';
import { takeSnapshot } from '#simulators/hyperv/model/snapshots.js';
import { definition, hypervHost, mark, soon } from '#test/peers/hyperv-host.js';

t.setTimeout(600_000);

/** More than are asked for by name at once. */
const names = [...Array(22).keys()].map((each) => `shop.web${each}`);
const checkpointsEach = 10;
/** In characters: more than what the machines have, and less than what they have with their checkpoints. */
const mostListed = { v2: 150_000, v1: 600_000 } as const;

for (const mode of ['v2', 'v1'] as const)
  t.test(`${mode}: a host with more checkpoints than are listed at once has all its machines read`, async (t) => {
    const { simulator, driver } = await hypervHost(t, mode);
    const { host } = simulator;
    const ids: MachineId[] = [];
    for (const nativeName of names) {
      const uuid = `5c3a3b3e-1f0e-4a6e-9a7b-${String(ids.length).padStart(12, '0')}`;
      ids.push(await driver.machines.define({ ...definition, nativeName, uuid }, mark, soon()));
    }
    const secret = [
      ['username', Buffer.from('Administrator')],
      ['password', Buffer.from('secret')],
    ] as const;
    const uri = `hyperv://127.0.0.1:${simulator.port}/?transport=http&smb=off`;
    const bounded = await connectHypervDriver(uri, new Credentials([...secret]), { signal: soon(), mostListed: mostListed[mode] });
    t.teardown(() => bounded[Symbol.asyncDispose]());
    const read = async () => (await bounded.machines.read(ids, soon())).machines;
    const ofAll = () => host.asked.filter((what) => what.includes("LIKE 'Microsoft:%'")).length;
    const found = await read();
    t.same(
      found.map(({ nativeName }) => nativeName),
      names,
    );
    const asked = ofAll();
    t.ok(asked > 0, 'what all have is asked for at once');

    for (const name of names)
      for (let nth = 0; nth < checkpointsEach; nth += 1) {
        const native = simulator.machineNamed(name);
        if (native !== undefined) await takeSnapshot(host, native);
      }
    t.same(await read(), found, 'a few at a time');
    const tried = ofAll();
    t.ok(tried > asked);
    t.same(await read(), found);
    t.equal(ofAll(), tried, 'and not all at once any more');
  });
