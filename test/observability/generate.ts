import { writeFileSync } from 'node:fs';
import { currentPage } from './page.js';
import { page } from './shipped.js';

/** Writes the table in docs/observability.md anew: `node dist/test/observability/generate.js`. */
writeFileSync(page, await currentPage());
