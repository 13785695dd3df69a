import { writeFileSync } from 'node:fs';
import { currentPage, page } from './columns.js';

/** Writes docs/capabilities.md anew: `node dist/test/capabilities/generate.js`. */
writeFileSync(page, await currentPage(AbortSignal.timeout(120_000)));
