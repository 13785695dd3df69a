import t from 'tap';
import { parseXml } from '#drivers/xml/parse.js';
import { Listing } from './listing.js';

const item = parseXml('<a/>', 'an item', { length: 100, depth: 5, nodes: 5 });

t.test('what a host lists is taken up to a bound', (t) => {
  const listing = new Listing('SELECT * FROM CIM_DataFile', 2 ** 20);
  for (const length of [2 ** 19, 2 ** 19]) listing.take({ items: [item] }, length);
  t.equal(listing.items.length, 2);
  const message = 'more than 1 MiB are listed for SELECT * FROM CIM_DataFile, and no more are taken; of files, keep fewer in one folder';
  t.throws(() => listing.take({ items: [item] }, 1), { code: 'Exhausted', message });
  const usual = new Listing('');
  usual.take({ items: [item] }, 128 * 2 ** 20);
  t.throws(() => usual.take({ items: [item] }, 1), { code: 'Exhausted', message: /more than 128 MiB/ });
  t.end();
});

t.test('pages with nothing on them are waited for, but not for ever', (t) => {
  const listing = new Listing('');
  for (let page = 0; page < 100; page += 1) listing.take({ items: [] }, 300);
  listing.take({ items: [item] }, 300);
  t.throws(() => listing.take({ items: [] }, 300), { code: 'Internal', message: /nothing is on it/ });
  t.end();
});
