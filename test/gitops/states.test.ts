import { readdirSync, readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { conditions, isFalse, isTrue, isUnknown, readiness, type Standing } from '#controllers/conditions.js';
import { resources } from '#test/cluster/kinds.js';
import { healthOf, healthScripts, otherConditions } from '#test/cluster/misjudged.js';
import { skipWhereMissing } from '#test/peers/build.js';
import { buildJudge, type Verdict } from '#test/peers/judge.js';

// Whatever an object says of itself, it says by `readiness`: here is all that this can make of it, in each kind, before those who wait.

const judge = await buildJudge().catch((reason) => skipWhereMissing(t, reason));
const now = Date.parse('2030-01-01T00:00:00Z');
const generation = 3;

const meant: Readonly<Record<Standing['kind'], Verdict['status']>> = {
  ready: 'Current',
  reconciling: 'InProgress',
  stalled: 'Failed',
  unknown: 'InProgress',
};
const standings = Object.keys(meant) as readonly Standing['kind'][];
const kinds = Object.keys(resources) as readonly (keyof typeof resources)[];

interface Case {
  readonly object: { readonly kind: string };
  readonly expected: Verdict['status'];
}

/** An object of this kind that stands so, with another condition beside it, and what is different about it. */
function standing(kind: string, stands: Standing['kind'], beside: Parameters<typeof conditions>[3], metadata: object, status: object) {
  const told = { ...readiness({ kind: stands, reason: 'Because', message: '' }), ...beside };
  return {
    apiVersion: 'virtwright.io/v1alpha1',
    kind,
    metadata: { name: 'it', generation, ...metadata },
    status: { observedGeneration: generation, conditions: conditions(undefined, generation, now, told), ...status },
  };
}

const alike = async (t: Test, cases: readonly Case[]): Promise<void> => {
  const verdicts = await judge(
    cases.map(({ object }) => object),
    healthScripts,
  );
  const wrong = cases.filter(({ expected }, at) => {
    const { status, health } = verdicts[at] as Verdict;
    return status !== expected || health?.status !== healthOf[expected] || health?.message === '';
  });
  t.same(wrong, []);
  t.equal(verdicts.length, cases.length);
};

const each = (make: (kind: string, stands: Standing['kind']) => readonly Case[]): readonly Case[] =>
  kinds.flatMap((kind) => standings.flatMap((stands) => make(kind, stands)));

t.test('each kind, however it stands, and whatever else is told of it', async (t) => {
  const findings = [isTrue, isFalse, isUnknown].flatMap((of) => otherConditions.map((type) => ({ [type]: of('Other', 'of its own') })));
  await alike(
    t,
    each((kind, stands) =>
      [{}, ...findings].map((beside) => ({ object: standing(kind, stands, beside, {}, {}), expected: meant[stands] })),
    ),
  );
});

t.test('whoever has not looked at the newest wish knows nothing of it, and what is to go is not there for long', async (t) => {
  // A status never is without one: -1 stands there by the schema.
  const older = [generation - 1, generation + 1, -1];
  const goes = { deletionTimestamp: '2030-01-01T00:00:00Z' };
  await alike(
    t,
    each((kind, stands) => [
      ...older.map((observedGeneration) => ({
        object: standing(kind, stands, {}, {}, { observedGeneration }),
        expected: 'InProgress' as const,
      })),
      ...[goes, { ...goes, finalizers: ['virtwright.io/hold'] }].map((metadata) => ({
        object: standing(kind, stands, {}, metadata, {}),
        expected: 'Terminating' as const,
      })),
    ]),
  );
  const bare = (kind: string, more: object) => ({
    apiVersion: 'virtwright.io/v1alpha1',
    kind,
    metadata: { name: 'it', generation: 1 },
    ...more,
  });
  await alike(
    t,
    kinds.map((kind) => ({ object: bare(kind, { status: { observedGeneration: -1 } }), expected: 'InProgress' })),
  );
});

/** Where a condition by which tools wait is made, but in comments: as a key of an object, or by its type. */
const makes = /\b(Ready|Reconciling|Stalled)['"]?\s*:(?!:)|\btype:\s*['"](Ready|Reconciling|Stalled)['"]/;

t.test('nobody else says how an object stands', async (t) => {
  const folder = new URL('../../../controllers/', import.meta.url);
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /(?<!\.test)\.ts$/.test(name));
  const code = (name: string) => readFileSync(new URL(name, folder), 'utf8').replaceAll(/\/\*.*?\*\/|\/\/.*$/gms, '');
  const makers = names.filter((name) => makes.test(code(name)));
  t.same(makers, ['conditions.ts']);
  for (const made of ['{ Ready: isTrue(x) }', "{ 'Stalled': x }", "{ type: 'Reconciling', status }"]) t.match(made, makes);
});
