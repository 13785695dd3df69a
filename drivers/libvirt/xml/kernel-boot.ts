import type { KernelBoot } from '#drivers/driver.js';
import { withChild, withText } from '#drivers/xml/edit.js';
import { child, element, textOf, type XmlElement } from '#drivers/xml/tree.js';

export function readKernelBoot(os: XmlElement | undefined): KernelBoot | undefined {
  const [kernel, initrd, commandLine] = ['kernel', 'initrd', 'cmdline'].map((name) => textOf(child(os, name)) || undefined);
  if (kernel === undefined) return undefined;
  return { kernel, ...(initrd === undefined ? {} : { initrd }), ...(commandLine === undefined ? {} : { commandLine }) };
}

export function withKernelBoot(os: XmlElement, boot: KernelBoot | undefined): XmlElement {
  const parts = { kernel: boot?.kernel, initrd: boot?.initrd, cmdline: boot?.commandLine };
  return Object.entries(parts).reduce(
    (edited, [name, text]) =>
      withChild(edited, element(name), (each) => (text === undefined || text === '' ? undefined : withText(each, text))),
    os,
  );
}
