import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';

const script = new URL('../../.ci/run', import.meta.url).pathname;

interface Run {
  /** What tap prints. */
  readonly says: string;
  readonly code: number;
}

const tap = (totals: string, ...failed: readonly string[]): Run => ({
  says: [...failed.map((file, at) => `not ok ${at + 1} - ${file} # time=3ms`), `# { ${totals} }`].join('\n'),
  code: failed.length === 0 ? 0 : 1,
});

/** Runs the script in a checkout of nothing, where `make` and `npx` say what they are told to. */
async function ci(test: Test, first: Run, second: Run): Promise<{ code: number; last: string; asked: string }> {
  const folder = test.testdir();
  const programs = join(folder, 'programs');
  const asked = join(folder, 'asked');
  await mkdir(join(folder, '.ci'), { recursive: true });
  await mkdir(programs);
  await writeFile(asked, '');
  await cp(script, join(folder, '.ci/run'));
  for (const [name, { says, code }] of Object.entries({ make: first, npx: second })) {
    await writeFile(join(programs, name), `#!/bin/sh\necho "${name} $*" >>"${asked}"\ncat <<'END'\n${says}\nEND\nexit ${code}\n`);
    await chmod(join(programs, name), 0o755);
  }
  const env = { ...process.env, PATH: `${programs}:${process.env['PATH']}` };
  return new Promise((resolve) => {
    execFile('bash', [join(folder, '.ci/run')], { env }, async (error, stdout) =>
      resolve({
        code: Number(error?.code ?? 0),
        last: stdout.trim().split('\n').at(-1) ?? '',
        asked: await readFile(asked, 'utf8'),
      }),
    );
  });
}

const fine = tap('total: 2, pass: 2');
const [a, b, c] = ['dist/a.test.js', 'dist/test/faults/b.test.js', 'dist/c.test.js'];

t.test('what passes runs once', async (t) => {
  const { asked, ...rest } = await ci(t, tap('total: 9, pass: 6, skip: 2, todo: 1'), fine);
  t.same(rest, { code: 0, last: '6 passed, 0 failed, 3 skipped' });
  t.equal(asked, 'make test\n');
});

t.test('two files that failed beside others run once more, alone', async (t) => {
  const { asked, ...rest } = await ci(t, tap('total: 9, pass: 6, fail: 3', a, b), fine);
  t.same(rest, { code: 0, last: '6 passed, 0 failed, 0 skipped' });
  t.equal(asked, `make test\nnpx --no-install tap --jobs=1 ${a} ${b}\n`);
});

t.test('what fails alone, too, has failed', async (t) => {
  const again = await ci(t, tap('total: 9, pass: 6, fail: 3', b), tap('total: 3, pass: 2, fail: 1', b));
  t.match(again, { code: 1, last: '6 passed, 3 failed, 0 skipped' });
});

t.test('three files are no coincidence', async (t) => {
  const { asked, ...rest } = await ci(t, tap('total: 9, pass: 6, fail: 3', a, b, c), fine);
  t.same(rest, { code: 1, last: '6 passed, 3 failed, 0 skipped' });
  t.equal(asked, 'make test\n');
});

t.test('a run without tests, and one that does not come to its tests, fail', async (t) => {
  t.match(await ci(t, { says: 'no build', code: 2 }, fine), { code: 2, last: '0 passed, 0 failed, 0 skipped', asked: 'make test\n' });
  t.match(await ci(t, { says: 'nothing', code: 0 }, fine), { code: 1, last: '0 passed, 0 failed, 0 skipped' });
});
