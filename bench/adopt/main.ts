import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { run } from '../apply-to-ready/run.js';

/**
 * How long until machines that others made are imported, and until they are adopted: `virtwright import`, then `virtwright apply --host`, which
 * starts a server and the operator, waits for each machine to be Ready, and ends. They are defined, and off: an adoption does the same to
 * those that run. Prints a line for people and one of JSON. The machines are taken away again.
 */
const { values: options } = parseArgs({
  options: { connect: { type: 'string', default: 'qemu:///system' }, machines: { type: 'string', default: '1000' } },
});

const program = fileURLToPath(new URL('../../controllers/main.js', import.meta.url));
/** As the shell times it, in seconds. */
const timed = 'TIMEFORMAT="%R %U %S"; { time "$@" >"$0" 2>&1; } 2>&1 || { cat "$0" >&2; exit 1; }';

interface Taken {
  readonly seconds: number;
  /** Of processors. */
  readonly busy: number;
}

async function virtwright(...args: readonly string[]): Promise<Taken> {
  const told = await run('bash', ['-c', timed, join(scratch, 'printed'), process.execPath, program, ...args]);
  const [seconds = 0, user = 0, system = 0] = told.trim().split(' ').map(Number);
  return { seconds, busy: Math.round((user + system) * 10) / 10 };
}

const virsh = (lines: readonly string[]): Promise<string> => run('virsh', ['--connect', options.connect], `${lines.join('\n')}\n`);

/** With a disk-less machine's usual devices. */
const definition = (name: string): string => `<domain type='qemu'><name>${name}</name><memory unit='MiB'>64</memory>
<os><type arch='x86_64' machine='q35'>hvm</type></os><devices><serial type='pty'/><rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
<graphics type='vnc'/><video><model type='virtio'/></video></devices></domain>`;

const count = Number(options.machines);
const names = Array.from({ length: count }, (_, at) => `bench-adopt-${at}`);
const scratch = await mkdtemp(join(tmpdir(), 'virtwright-adopt-'));
const manifests = join(scratch, 'host');
try {
  for (const name of names) await writeFile(join(scratch, `${name}.xml`), definition(name));
  await virsh(names.map((name) => `define ${join(scratch, `${name}.xml`)}`));
  const imported = await virtwright('import', '--host', options.connect, '-o', manifests, ...names);
  const adopted = await virtwright('apply', '-R', '-f', manifests, '--host', options.connect);
  const told = ({ seconds, busy }: Taken) => `in ${seconds} s (${busy} s of a processor)`;
  console.log(`${count} machines: imported ${told(imported)}, adopted ${told(adopted)}`);
  console.log(JSON.stringify({ machines: count, imported, adopted }));
} finally {
  await virsh(names.map((name) => `undefine ${name}`)).catch(() => {});
  await rm(scratch, { recursive: true, force: true });
}
