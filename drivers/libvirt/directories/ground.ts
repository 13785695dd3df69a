import { access, lstat, readdir, readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path/posix';
import type { ContainerGround, ContainerShape } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { commonFirst, firstUserBeside } from '../dialects/container/uid-map.js';

/**
 * What the directories of a container lie on, where they are ours as well. Of one that is not there yet the start of the container tells.
 * `ItsMap`: others gave it a map of users, which it keeps, whoever has its root.
 * @throws DriverError NotFound or Unsupported when limits are asked for, and a directory is not there, or on no disk of this host
 */
export async function groundOf(container: ContainerShape, users: 'ItsRoot' | 'ItsMap' = 'ItsRoot'): Promise<ContainerGround> {
  const { root, mounts = [], limits } = container;
  const places = [root, ...mounts.map(({ location }) => location)];
  const disks = limits === undefined ? [] : await Promise.all(places.map(diskOf));
  return { disks: [...new Set(disks)], ...(await ownerOf(container, users)) };
}

/** Whose users those of the container are. A mount of another's would be a door between two that are kept apart. */
async function ownerOf(
  { root, mounts = [], privileged }: ContainerShape,
  users: 'ItsRoot' | 'ItsMap',
): Promise<Pick<ContainerGround, 'firstUser'>> {
  const found = await lstat(root).catch(() => undefined);
  if (privileged === true || found === undefined) return {};
  const firstUser = users === 'ItsMap' ? undefined : firstUserBeside(found.uid);
  if (firstUser === undefined && users === 'ItsRoot') throw ofTheHost(root, found.uid);
  for (const { path, location } of mounts) {
    const mounted = await lstat(location).catch(() => undefined);
    const owner = mounted === undefined ? undefined : firstUserBeside(mounted.uid);
    if (owner !== undefined && owner !== firstUser) throw ofOthers(path, location);
  }
  return firstUser === undefined ? {} : { firstUser };
}

const ofTheHost = (root: string, user: number): DriverError =>
  new DriverError(
    'Invalid',
    `container.root: ${root} belongs to user ${user} of the host; accepted: one of users ${commonFirst} and on, as who is root in a container; give it to them (chown), or make the container privileged`,
  );

const ofOthers = (path: string, location: string): DriverError =>
  new DriverError(
    'Invalid',
    `container.mounts[${path}]: ${location} belongs to users of other containers than the root; make both volumes in one namespace, by one version`,
  );

/** The whole disk, as the kernel counts what is read and written by those. */
async function diskOf(directory: string): Promise<string> {
  const found = await stat(directory).catch(() => undefined);
  if (found === undefined)
    throw new DriverError('NotFound', `container.limits: no directory ${directory} is on the host, which would be limited`);
  const [major, minor] = [Number(found.dev >> 8) & 0xfff, (found.dev & 0xff) | ((found.dev >> 12) & 0xfff00)];
  const device = await realpath(`/sys/dev/block/${major}:${minor}`).catch(() => undefined);
  if (device === undefined) throw noDisk(directory);
  const isPart = await access(join(device, 'partition')).then(
    () => true,
    () => false,
  );
  return lastingName(`/dev/${basename(isPart ? dirname(device) : device)}`);
}

const noDisk = (directory: string): DriverError =>
  new DriverError(
    'Unsupported',
    `container.limits: ${directory} is on no disk of the host, but on another kind of store; put the volume into a pool on a disk, or leave limits out`,
  );

/** By which a disk is found after a restart of the host as well, where there is such a name. */
async function lastingName(disk: string): Promise<string> {
  const names = '/dev/disk/by-id';
  for (const name of (await readdir(names).catch(() => [])).sort()) {
    const target = await readlink(join(names, name)).catch(() => '');
    // A comma would part a name from its limit.
    if (join(names, target) === disk && !name.includes(',')) return join(names, name);
  }
  return disk;
}
