import type { ContainerShape, MachineDefinition } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { checkDefinition, checkName, checkPath, refuse } from '../../xml/definition.js';

/** A container's name is also its host name, which Linux cuts at this. */
export const maxContainerNameBytes = 64;

export function containerOf({ container }: MachineDefinition): ContainerShape {
  if (container !== undefined) return container;
  throw new DriverError('Unsupported', 'container: nothing was given; accepted: a root volume, as this host has containers alone');
}

/** @throws DriverError Invalid or Unsupported, naming the field, what was given, and what would be accepted */
export function checkContainer(definition: MachineDefinition): void {
  const { root, init, mounts = [] } = containerOf(definition);
  checkName('nativeName', definition.nativeName, maxContainerNameBytes);
  const { container: _, ...plain } = definition;
  checkDefinition(plain);
  checkPath('container.root', root);
  if (root === '/') refuse('container.root', '"/"', 'a directory of its own: that one is the host’s');
  checkPath('container.init', init[0]);
  for (const word of init)
    if (/[^\P{Cc}\t\n]/u.test(word))
      refuse('container.init', JSON.stringify(word), 'text without control characters, which XML cannot say');
  for (const { path, location } of mounts) {
    checkPath('container.mounts.path', path);
    checkPath(`container.mounts[${path}]`, location);
    if (path === '/') refuse('container.mounts.path', '"/"', 'a path within the root, which has its own field');
  }
  const paths = mounts.map(({ path }) => path);
  const twice = paths.find((path, at) => paths.indexOf(path) !== at);
  if (twice !== undefined) refuse('container.mounts', `"${twice}" twice`, 'every path once');
}
