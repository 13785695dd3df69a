import { dirname } from 'node:path/posix';
import t from 'tap';
import { rules } from './architecture/rules.js';
import { readHouse, readSource } from './architecture/sources.js';

const house = readHouse();

t.test('the house is read', async (t) => {
  const main = house.find(({ path }) => path === 'controllers/main.ts');
  t.ok(main?.imports.some(({ target }) => target === 'drivers/connect.ts'));
  t.ok(house.length > 150, `${house.length} files`);
});

for (const { law, offences, broken } of rules) {
  t.test(law, async (t) => {
    t.same(offences(house), []);
    const found = offences(Object.entries(broken).map(([path, text]) => readSource(path, text)));
    for (const path of Object.keys(broken)) t.ok(blames(found, path), `it sees what ${path} does`);
  });
}

/** A circle is blamed on its folders, all else on the file. */
function blames(found: readonly string[], path: string): boolean {
  return found.some((offence) => offence.includes(path) || offence.split(' -> ').includes(dirname(path)));
}
