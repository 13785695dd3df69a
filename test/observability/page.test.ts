import { readFileSync } from 'node:fs';
import t from 'tap';
import { currentPage } from './page.js';
import { page } from './shipped.js';

t.test('docs/observability.md has all that is told, as it is told', async (t) => {
  t.equal(readFileSync(page, 'utf8'), await currentPage(), 'node dist/test/observability/generate.js writes it anew');
});
