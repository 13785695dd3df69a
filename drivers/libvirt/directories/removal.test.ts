import { execFile } from 'node:child_process';
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { emptyDirectory } from './removal.js';

const run = promisify(execFile);
const never = new AbortController().signal;

/** A directory `tree` beside a folder `outside` with a file in it. */
async function folder(t: Test): Promise<{ readonly tree: string; readonly outside: string }> {
  const made = await mkdtemp(join(tmpdir(), 'vw-removal-'));
  t.teardown(() => rm(made, { recursive: true, force: true }));
  const [tree, outside] = [join(made, 'tree'), join(made, 'outside')];
  await mkdir(tree);
  await mkdir(outside);
  await writeFile(join(outside, 'kept'), 'kept');
  return { tree, outside };
}

t.test('all that is in it goes, whatever it is called, and nothing outside', async (t) => {
  const { tree, outside } = await folder(t);
  await mkdir(join(tree, 'a/b'), { recursive: true });
  await writeFile(join(tree, 'a/b/file'), '');
  await symlink(outside, join(tree, 'a/out'));
  await symlink(join(outside, 'kept'), join(tree, 'kept'));
  await run('sh', [
    '-c',
    `cd "$1" && mkfifo pipe && touch "$(printf 'latin-\\351')" && mkdir "$(printf 'd-\\351')" && touch "$(printf 'd-\\351/x')"`,
    'sh',
    tree,
  ]);
  await emptyDirectory(tree, never);
  t.same([await readdir(tree), await readdir(outside)], [[], ['kept']]);
  await emptyDirectory(tree, never);
  t.ok((await lstat(tree)).isDirectory(), 'it stays itself');
});

t.test('it may be deeper than any path is long', async (t) => {
  const { tree } = await folder(t);
  const name = 'n'.repeat(200);
  await run('sh', [
    '-c',
    `cd -P "$1" && i=0; while [ $i -lt 60 ]; do mkdir ${name} && cd -P ${name} && touch file || exit 1; i=$((i+1)); done`,
    'sh',
    tree,
  ]);
  await emptyDirectory(tree, never);
  t.same(await readdir(tree), []);
});

t.test('who gives up leaves the rest, and the next one goes on', async (t) => {
  const { tree } = await folder(t);
  for (const name of ['a', 'b', 'c']) await writeFile(join(tree, name), '');
  await t.rejects(emptyDirectory(tree, AbortSignal.abort()));
  t.equal((await readdir(tree)).length, 3);
  await emptyDirectory(tree, never);
  t.same(await readdir(tree), []);
});

const skip = process.getuid?.() === 0 ? false : 'mounts take root';
t.test('what is mounted in it is nobody’s to delete', { skip }, async (t) => {
  const { tree, outside } = await folder(t);
  await mkdir(join(tree, 'left behind'));
  await writeFile(join(tree, 'file'), '');
  const removal = new URL('removal.js', import.meta.url).href;
  const script = `import(${JSON.stringify(removal)}).then((m) => m.emptyDirectory(process.argv[1], new AbortController().signal)).then(() => console.log('emptied'), (reason) => console.log(reason.code + ' ' + reason.message))`;
  const inside = 'mount --bind "$1" "$2/left behind" && exec "$3" --eval "$4" "$2"';
  const unshare = ['--mount', '--propagation', 'private', 'sh', '-c', inside, 'sh', outside, tree, process.execPath, script];
  const { stdout } = await run('unshare', unshare);
  t.match(stdout, `Busy ${join(tree, 'left behind')} is a mount`);
  t.equal(await readFile(join(outside, 'kept'), 'utf8'), 'kept');
  t.ok((await readdir(tree)).includes('file'), 'and until it is unmounted all stays');
});
