import { readdirSync } from 'node:fs';
import t from 'tap';
import { resources } from '#test/cluster/kinds.js';
import { healthScripts } from '#test/cluster/misjudged.js';
import { skipWhereMissing } from '#test/peers/build.js';
import { buildJudge } from '#test/peers/judge.js';
import { readHealthTests, readObject, scriptFolder } from './testdata.js';

const judge = await buildJudge().catch((reason) => skipWhereMissing(t, reason));
const tests = readHealthTests();
const objects = tests.map(({ inputPath }) => readObject(inputPath) as { readonly kind: string });

t.test('each object beside the script is seen as its test says', async (t) => {
  const verdicts = await judge(objects, healthScripts);
  for (const [at, { inputPath, healthStatus }] of tests.entries()) t.same(verdicts[at]?.health, healthStatus, inputPath);
});

t.test('no kind is without one that is well and one that is on its way', async (t) => {
  for (const kind of Object.keys(resources)) {
    const seen = new Set(tests.filter((_, at) => objects[at]?.kind === kind).map(({ healthStatus: { status } }) => status));
    t.ok(seen.has('Progressing') && (seen.has('Healthy') || kind === 'Session'), `${kind}: ${[...seen].join()}`);
  }
});

t.test('no object is without a test', async (t) => {
  const names = readdirSync(new URL('testdata/', scriptFolder)).map((name) => `testdata/${name}`);
  t.same(names.sort(), tests.map(({ inputPath }) => inputPath).sort());
});
