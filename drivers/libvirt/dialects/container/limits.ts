import type { MachineShape } from '#drivers/driver.js';
import { withAttribute, withChild, withoutChildren, withText } from '#drivers/xml/edit.js';
import { child, element, isElement, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { readCpuCount, readMemory } from '../../xml/sizes.js';
import { sizeOf, wholeNumber } from '../../xml/units.js';

/** In microseconds: in each such time a container has its CPUs' share of it. */
export const cpuPeriod = 100_000;

/**
 * For how many CPUs' time a container may run, as its quota says; a container without one may use them all, and has what is said of
 * its CPUs. libvirt changes a quota while it runs, and the number never.
 */
export function readContainerCpuCount(domain: XmlElement): number | undefined {
  const tune = child(domain, 'cputune');
  const [period, quota] = ['period', 'quota'].map((name) => wholeNumber(textOf(child(tune, name))));
  if (period === undefined || quota === undefined || period === 0 || quota < period) return readCpuCount(domain);
  return Math.round(quota / period);
}

/** Comes before the count is edited: one that was adopted without a quota gets none with a change of something else. */
export function withQuota(domain: XmlElement, { cpuCount }: MachineShape): XmlElement {
  if (readContainerCpuCount(domain) === cpuCount) return domain;
  return withChild(domain, element('cputune'), (tune) =>
    withChild(
      withChild(tune, element('period'), (period) => withText(period, `${cpuPeriod}`)),
      element('quota'),
      (quota) => withText(quota, `${cpuPeriod * cpuCount}`),
    ),
  );
}

/** A container starts with all that it may ever have, unless this says less: of what it has now libvirt's LXC driver takes no notice. */
export function withHardLimit(domain: XmlElement, { memoryBytes }: MachineShape): XmlElement {
  const most = sizeOf(child(domain, 'memory'), 'KiB') ?? memoryBytes;
  const limit = sizeOf(child(domain, 'memtune', 'hard_limit'), 'KiB');
  if (limit === (memoryBytes < most ? memoryBytes : undefined)) return domain;
  if (memoryBytes >= most) return withoutLimit(domain);
  return withChild(domain, element('memtune'), (tune) =>
    withChild(tune, element('hard_limit'), (each) => withAttribute(withText(each, `${memoryBytes / 1024}`), 'unit', 'KiB')),
  );
}

function withoutLimit(domain: XmlElement): XmlElement {
  const tune = child(domain, 'memtune');
  if (tune === undefined) return domain;
  return withChild(domain, tune, (each) => {
    const bare = withoutChildren(each, (one) => isElement(one, 'hard_limit'));
    return bare.children.some((node) => node.kind === 'element') ? bare : undefined;
  });
}

/** Of what runs: libvirt notes there what it was last given. */
export const readContainerMemory = readMemory;
