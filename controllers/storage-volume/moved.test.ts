import t from 'tap';
import type { Machine } from '#drivers/driver.js';
import type { DesiredVolume } from './action.js';
import { movedTo } from './moved.js';

const volume = { nativeName: 'shop.root-12345678', claim: { machine: 'web', uid: 'web-uid' } } as DesiredVolume;
const machineWith = (uid: string, ...uses: readonly string[]) =>
  ({ nativeName: 'shop.web', mark: { owner: { uid } }, configured: { disks: [], uses } }) as unknown as Machine;
const lookedFor = (...machines: readonly Machine[]) => movedTo(volume, { machines });

t.test('a disk that was moved is found in the drive of the machine that has claimed it, and nowhere else', async (t) => {
  const location = 'd:\\elsewhere\\Shop.root-12345678.VHDX';
  t.same(lookedFor(machineWith('web-uid', 'd:\\iso\\a.iso', location)), { machine: 'shop.web', location });
  t.equal(lookedFor(machineWith('other-uid', location)), undefined);
  t.equal(lookedFor(machineWith('web-uid', 'd:\\elsewhere\\shop.root-1.vhdx')), undefined);
  t.equal(movedTo({ ...volume, claim: { machine: 'web', uid: 'none' } }, { machines: [] }), undefined);
});
