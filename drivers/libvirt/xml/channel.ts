import { append, withoutChildren } from '#drivers/xml/edit.js';
import { attribute, child, element, elements, isElement, type XmlElement, type XmlNode } from '#drivers/xml/tree.js';

/** The name by which QEMU's agent, and libvirt, know their channel. */
const agentName = 'org.qemu.guest_agent.0';

const isAgentChannel = (node: XmlNode): node is XmlElement =>
  isElement(node, 'channel') && attribute(child(node, 'target'), 'name') === agentName;

export const hasGuestAgent = (devices: XmlElement | undefined): boolean => devices?.children.some(isAgentChannel) ?? false;

/** Whether an agent has the channel open; undefined where there is no channel. Only what runs says so. */
export function isAgentConnected(devices: XmlElement | undefined): boolean | undefined {
  const channel = elements(devices, 'channel').find(isAgentChannel);
  return channel === undefined ? undefined : attribute(child(channel, 'target'), 'state') === 'connected';
}

/** Where the host's end of it lies is libvirt's to choose. */
export function withGuestAgent(devices: XmlElement, wanted: boolean): XmlElement {
  if (hasGuestAgent(devices) === wanted) return devices;
  if (!wanted) return withoutChildren(devices, isAgentChannel);
  return append(devices, element('channel', { type: 'unix' }, element('target', { type: 'virtio', name: agentName })));
}
