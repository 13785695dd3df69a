import { execFile } from 'node:child_process';
import { chmod, copyFile, lchown, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Who is root in a container of ours, on its host. */
export const containerRoot = 0x7000_0000;

/** What the banner on the console begins with; the name that init was given follows. */
export const containerBanner = 'virtwright guest ready:';

const tools = ['cat', 'echo', 'hostname', 'id', 'ip', 'ls', 'mount', 'sh', 'sleep', 'touch', 'udhcpc'];

/**
 * A container's first process. Words: `name=NAME` for its banner; `deaf` to heed no signal; `leave` to end at once. It brings all interfaces
 * up, asks for addresses there, and does on its console what is typed; to an empty line it says its banner again.
 */
const init = `#!/bin/sh
name=container
for word; do
  case $word in
    name=*) name=\${word#name=} ;;
    deaf) deaf=yes ;;
    leave) exec sleep 1 ;;
  esac
done
[ -n "$deaf" ] || trap 'exit 0' TERM
exec 3<&0
ip link set lo up
for path in /sys/class/net/*; do
  device=\${path##*/}
  [ "$device" = lo ] && continue
  ip link set "$device" up
  udhcpc -i "$device" -s /etc/udhcpc.sh -b >/dev/null 2>&1 &
done
echo "${containerBanner} $name"
( while read -r line; do [ -n "$line" ] && eval "$line" || echo "${containerBanner} $name"; done ) <&3 &
while :; do sleep 1 & wait $!; done
`;

const lease = `#!/bin/sh
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
ip addr flush dev "$interface"
ip addr add "$ip/\${mask:-24}" dev "$interface"
`;

/** A root file system with busybox (Debian's \`busybox-static\`) and nothing else, in a folder that is made for it. */
export async function makeContainerRoot(directory: string): Promise<void> {
  for (const name of ['bin', 'dev', 'etc', 'proc', 'run', 'sbin', 'sys', 'tmp']) await mkdir(join(directory, name), { recursive: true });
  await copyFile('/bin/busybox', join(directory, 'bin/busybox'));
  for (const tool of tools) await symlink('busybox', join(directory, 'bin', tool));
  await writeFile(join(directory, 'sbin/init'), init);
  await writeFile(join(directory, 'etc/udhcpc.sh'), lease);
  for (const program of ['bin/busybox', 'sbin/init', 'etc/udhcpc.sh']) await chmod(join(directory, program), 0o755);
}

/** The same as an archive, as people publish it. */
export async function packContainerRoot(file: string, scratch: string): Promise<void> {
  const directory = join(scratch, 'packed-root');
  await makeContainerRoot(directory);
  await run('tar', [
    '--create',
    '--auto-compress',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--file',
    file,
    '--directory',
    directory,
    '.',
  ]);
  await rm(directory, { recursive: true });
}

/** As the containers' users have it, or those of others, of whom this is the first. */
export async function giveToContainers(path: string, root = containerRoot): Promise<void> {
  await lchown(path, root, root);
  const entries = await readdir(path, { withFileTypes: true });
  for (const entry of entries) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) await giveToContainers(child, root);
    else await lchown(child, root, root);
  }
}
