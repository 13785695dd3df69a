import { writeFileSync } from 'node:fs';
import { currentPage, page } from './columns.js';
import { currentReadme, readme } from './proven.js';

/** Writes docs/capabilities.md anew, and what is proven in README.md: `node dist/test/capabilities/generate.js`. */
writeFileSync(readme, currentReadme());
writeFileSync(page, await currentPage(AbortSignal.timeout(120_000)));
