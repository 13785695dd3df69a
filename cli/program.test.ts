import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import t from 'tap';

// Seen from `dist/cli/`.
const main = fileURLToPath(new URL('../controllers/main.js', import.meta.url));

async function run(...argv: readonly string[]) {
  const child = spawn(process.execPath, [main, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { out, err, code: code as number };
}

t.test('the commands are listed, and each shows its flags and an example', async (t) => {
  const { out, code } = await run('--help');
  t.equal(code, 0);
  t.match(out, /^virtwright: .*\n\nUsage: virtwright COMMAND/);
  t.same(await run(), { out, err: '', code: 0 });
  const names = [...out.matchAll(/^ {2}(\S+) {2,}/gm)].map(([, name]) => `${name}`);
  t.ok(names.length >= 5, names.join());
  for (const name of names) {
    const shown = await run(name, '--help');
    t.equal(shown.code, 0);
    t.match(
      shown.out,
      new RegExp(`^virtwright ${name}: .*\\n\\nUsage: virtwright ${name}[\\s\\S]*--kubeconfig FILE[\\s\\S]*\\nExamples:\\n`),
    );
  }
});

t.test('what is asked for wrongly ends with 2, on standard error alone', async (t) => {
  for (const [argv, words] of [
    [['gte'], /^virtwright: there is no command "gte"/],
    [['version', '--cleint'], /^virtwright: there is no flag --cleint; did you mean "--client"\?\nsee virtwright version --help\n$/],
    [['version', 'now'], /^virtwright: "now" given, accepted are flags alone\n/],
    [['agent'], /^virtwright: no hypervisor given/],
  ] as const) {
    const { out, err, code } = await run(...argv);
    t.same([out, code], ['', 2], argv.join(' '));
    t.match(err, words);
  }
});

t.test('what cannot be done ends with 1, and without a stack', async (t) => {
  const { out, err, code } = await run('version', '--kubeconfig', '/nowhere');
  t.match(out, /^virtwright \d+\.\d+\.\d+\n$/);
  t.equal(code, 1);
  t.match(err, /^virtwright: the kubeconfig \(\/nowhere\) cannot be read: ENOENT\n$/);
});
