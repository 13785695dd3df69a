import { mkdir, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { dump } from 'js-yaml';
import { type Command, command } from '#cli/command.js';
import { Complaint, Failure } from '#cli/complaint.js';
import { oneLine } from '#cli/output/text.js';
import { DriverError } from '#drivers/error.js';
import type { Drivers } from '#drivers/target.js';
import { takeInventory } from './import/inventory.js';
import { type File, manifestsOf } from './import/manifests.js';
import { labelOf } from './import/names.js';
import { reachHost } from './import/reach.js';

export const importCommand = (drivers: Drivers): Command =>
  command({
    name: 'import',
    group: 'objects',
    summary: 'write manifests for what is on a host already',
    usage: ['--host URI -o DIR [MACHINE...]'],
    description: [
      'Writes a Hypervisor, its pools, networks and volumes, and a VirtualMachine for each machine, with nothing secret in them. Nothing is changed on the host. With names or uuids, only those machines and what they need.',
      'Applying them takes the machines over as they are: none is stopped, started or defined anew. What a manifest cannot say stays on the host, and is named. virtwright release gives a machine back.',
    ],
    flags: {
      host: { kind: 'text', value: 'URI', help: 'the host, as spec.uri of a Hypervisor has it: qemu:///system' },
      credentials: {
        kind: 'text',
        value: 'DIR',
        help: 'a folder with a file for each key of the Secret that the host would have: ssh-privatekey, known_hosts',
      },
      output: { kind: 'text', short: 'o', value: 'DIR', help: 'where the manifests go; what is there is not written over' },
      hypervisor: { kind: 'text', value: 'NAME', help: "what the Hypervisor is to be called; default: the host's name" },
      force: { kind: 'switch', help: 'write over files that are there' },
    },
    examples: [
      { line: 'import --host qemu:///system -o host/', what: 'all that is on this host' },
      { line: 'import --host qemu:///system -o host/ web db', what: 'two machines, and what they need' },
    ],
    async run({ flags, args, io }, signal) {
      const { host, output, namespace = 'default' } = flags;
      if (host === undefined) throw new Complaint('--host: left out; name the host, as qemu:///system');
      if (output === undefined) throw new Complaint('-o: left out; name the folder that the manifests go to');
      await using driver = await reachHost({ host, credentials: flags.credentials }, drivers, signal).catch(notReached);
      const inventory = await takeInventory(driver, signal);
      const hypervisor = flags.hypervisor ?? labelOf(hostOf(host));
      const { files, machines, left } = manifestsOf(inventory, {
        hypervisor,
        uri: host,
        namespace,
        machines: args,
        hasCredentials: flags.credentials !== undefined,
      });
      await writeAll(output, files, flags.force);
      io.stdout.write(`${counted(machines, 'machine')} of ${inventory.machines.length} in ${output}\n`);
      for (const one of left) io.stderr.write(`left out: ${oneLine(one)}\n`);
      return args.length > 0 && machines < args.length ? 1 : 0;
    },
  });

function notReached(reason: unknown): never {
  throw new Failure(`the host is not reached: ${oneLine(DriverError.from(reason).message)}`);
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** Of `qemu+ssh://user@host/system`; this one where none is named. */
function hostOf(uri: string): string {
  const named = URL.canParse(uri) ? new URL(uri).hostname : '';
  return (named === '' ? hostname() : named).split('.')[0] ?? 'host';
}

/** All, or none where one is there already. */
async function writeAll(folder: string, files: readonly File[], force: boolean): Promise<void> {
  const there = force ? [] : (await Promise.all(files.map(async ({ path }) => ((await exists(join(folder, path))) ? [path] : [])))).flat();
  if (there.length > 0)
    throw new Failure(
      `${folder} has ${there.slice(0, 3).join(', ')}${there.length > 3 ? ' and more' : ''} already; name another folder, or say --force`,
    );
  for (const { path, comments, objects } of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    const lead = comments.map((line) => `# ${oneLine(line)}\n`).join('');
    await writeFile(join(folder, path), lead + objects.map((object) => dump(object, { lineWidth: 140, noRefs: true })).join('---\n'));
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
