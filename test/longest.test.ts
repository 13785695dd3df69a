import { existsSync } from 'node:fs';
import t from 'tap';
import { longest, longestFirst } from './longest.js';

const root = new URL('../../', import.meta.url);

t.test('what takes long begins first, and nothing is left out', async (t) => {
  const [one = '', two = ''] = longest;
  t.same(longestFirst(['dist/b.test.js', two, 'dist/a.test.js', one]), [one, two, 'dist/a.test.js', 'dist/b.test.js']);
});

t.test('whatever is said to take long is there, and is named once', async (t) => {
  t.same(
    longest.filter((file) => !existsSync(new URL(file, root))),
    [],
  );
  t.equal(new Set(longest).size, longest.length);
});
