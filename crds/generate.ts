import { writeFileSync } from 'node:fs';
import { renderTypes } from './render.js';
import { crdFolder, readCrds } from './schema.js';

/** Writes types.ts anew from the YAML: `node dist/crds/generate.js`. */
writeFileSync(new URL('types.ts', crdFolder), renderTypes([...readCrds().values()]));
