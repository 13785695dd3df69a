import { writeFileSync } from 'node:fs';
import { renderReference } from './reference.js';
import { renderTypes } from './render.js';
import { crdFolder, readCrds } from './schema.js';

const crds = [...readCrds().values()];

/** Writes types.ts and docs/api.md anew from the YAML: `node dist/crds/generate.js`. */
writeFileSync(new URL('types.ts', crdFolder), renderTypes(crds));
writeFileSync(new URL('../docs/api.md', crdFolder), renderReference(crds));
