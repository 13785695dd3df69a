import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';

const root = '/sys/fs/cgroup';

/** As libvirt calls the group of a machine, whose name it shortens. */
const groupName = /^(?:lxc|qemu)-\d+-(.+)\.libvirt-(?:lxc|qemu)$/;

/** Removes what the kernel keeps of machines of these names that are gone: a daemon that is killed leaves their groups behind. */
export async function removeGroups(names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  for (const hierarchy of [root, ...(await foldersIn(root))]) {
    const machines = join(hierarchy, 'machine');
    for (const group of await foldersIn(machines)) {
      const [, shortened] = groupName.exec(group.slice(machines.length + 1)) ?? [];
      if (shortened !== undefined && names.some((name) => name.startsWith(shortened))) await removeGroup(group);
    }
  }
}

/** A group that is in use is not removed, whatever is tried. */
async function removeGroup(path: string): Promise<void> {
  for (const child of await foldersIn(path)) await removeGroup(child);
  await rmdir(path).catch(() => {});
}

async function foldersIn(path: string): Promise<readonly string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(path, name));
}
