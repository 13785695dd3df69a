import { rmSync, writeFileSync } from 'node:fs';
import { renderReference } from './reference.js';
import { renderTypes } from './render.js';
import { chartFolder, crdFolder, readCrds, readTexts } from './schema.js';

const crds = [...readCrds().values()];

/** Writes types.ts, docs/api.md and the chart's copies anew from the YAML: `node dist/crds/generate.js`. */
writeFileSync(new URL('types.ts', crdFolder), renderTypes(crds));
writeFileSync(new URL('../docs/api.md', crdFolder), renderReference(crds));

for (const name of readTexts(chartFolder).keys()) rmSync(new URL(name, chartFolder));
for (const [name, text] of readTexts(crdFolder)) writeFileSync(new URL(name, chartFolder), text);
