import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { program, startProgram } from './program.js';
import { useWorld } from './world.js';

const world = await useWorld(t);
const kubeconfig = world.cluster.kubeconfigPath;
const machine = (name: string, spec: object = {}) => ({
  kind: 'VirtualMachine',
  metadata: { name, namespace: 'default' },
  spec: { memory: { size: '64Mi' }, ...spec },
});

await t.test('kubectl finds the program as a plugin, and completes it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'vw-plugin-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  await chmod(program, 0o755);
  for (const name of ['virtwright', 'kubectl-virtwright', 'kubectl_complete-virtwright']) await symlink(program, join(folder, name));
  await mkdir(join(folder, 'home'));
  const env = { PATH: `${folder}:${world.cluster.assets}:${process.env['PATH']}`, HOME: join(folder, 'home'), KUBECONFIG: kubeconfig };
  const call = async (command: string, ...argv: readonly string[]) => {
    const child = spawn(command, argv, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    return { out, err, code: code as number };
  };
  await world.apply(machine('shown', { runStrategy: 'Halted' }));
  t.match(await call('kubectl', 'virtwright', 'get', 'vm', '-o', 'name'), { code: 0, out: 'virtualmachine.virtwright.io/shown\n' });
  t.match(await call('kubectl', 'virtwright', 'gte'), { code: 2, err: /^kubectl virtwright: there is no command "gte"/ });
  t.match(await call('kubectl', '__complete', 'virtwright', 'get', 'vm', 'sh'), { out: /^shown$/m });
  const completed = async (line: string) => {
    const script = `source <(virtwright completion bash); COMP_LINE=${JSON.stringify(line)}; COMP_POINT=\${#COMP_LINE}; read -ra COMP_WORDS <<<"$COMP_LINE"; [[ $COMP_LINE == *' ' ]] && COMP_WORDS+=(''); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _virtwright; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return (await call('bash', '-c', script)).out.trim().split('\n');
  };
  t.same(await completed('virtwright desc'), ['describe']);
  t.same(await completed('virtwright get vm '), ['shown']);
  t.same(await completed('virtwright wait virtualmachines/sh'), ['virtualmachines/shown']);
  t.same(await completed('virtwright stop --mode '), ['soft', 'try-soft', 'hard']);
  t.same(await completed('virtwright get -n kube-s'), ['kube-system']);
});

await t.test('a wait that is interrupted ends at once, with 130', async (t) => {
  const { child, ended } = startProgram({ kubeconfig }, 'wait', 'vm/shown', '--for', 'delete', '--timeout', '0');
  if (child.stderr === null) throw new Error('no output');
  await once(child.stderr, 'data');
  child.kill('SIGINT');
  t.match(await ended, { code: 130, out: '' });
});
