import type { TpmVersion } from '#drivers/driver.js';
import { meaningOf } from '#drivers/words.js';
import { append, withoutChildren } from '#drivers/xml/edit.js';
import { attribute, child, element, elements, isElement, type XmlElement, type XmlNode } from '#drivers/xml/tree.js';

/** By its command and response buffer: of the two that guests know, the one that only TPM 2.0 has. */
export const bestTpm = 'tpm-crb';

const models: Readonly<Record<string, string>> = { 'tpm-crb': 'CRB', 'tpm-tis': 'TIS' };

/** The host's own TPM, which somebody may have passed through, is no matter of ours. */
const isEmulated = (node: XmlNode): node is XmlElement =>
  isElement(node, 'tpm') && attribute(child(node, 'backend'), 'type') === 'emulator';

const tpmIn = (devices: XmlElement | undefined): XmlElement | undefined => elements(devices, 'tpm').find(isEmulated);

export const readTpm = (devices: XmlElement | undefined): TpmVersion | undefined =>
  attribute(child(tpmIn(devices), 'backend'), 'version') === '2.0' ? 'V2' : undefined;

/** In our words, or else in libvirt's. */
export function readTpmModel(devices: XmlElement | undefined): string | undefined {
  const model = attribute(tpmIn(devices), 'model');
  return model === undefined ? undefined : (meaningOf(models, model) ?? model);
}

/** libvirt keeps its state by the machine's uuid; told to, also when the definition goes without a word about it. */
export function withTpm(devices: XmlElement, wanted: TpmVersion | undefined): XmlElement {
  if (wanted === readTpm(devices)) return devices;
  const bare = withoutChildren(devices, isEmulated);
  if (wanted === undefined) return bare;
  return append(
    bare,
    element('tpm', { model: bestTpm }, element('backend', { type: 'emulator', version: '2.0', persistent_state: 'yes' })),
  );
}
