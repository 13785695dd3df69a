import { readFileSync } from 'node:fs';
import { bhyve, offerOf as offerOfBhyve } from '#drivers/libvirt/dialects/bhyve/dialect.js';
import { cloudHypervisor, offerOf as offerOfCloudHypervisor } from '#drivers/libvirt/dialects/cloud-hypervisor/dialect.js';
import type { Dialect, HostFacts, MachineOffer } from '#drivers/libvirt/dialects/dialect.js';
import { fullyVirtual } from '#drivers/libvirt/dialects/guests.js';
import { readCapabilities, readDomainCapabilities, readLoaders } from '#drivers/libvirt/xml/capabilities.js';

export const golden = (name: string): string => readFileSync(`test/golden/dialects/${name}.xml`, 'utf8');

const facts = (name: string): HostFacts => ({ host: readCapabilities(golden(`capabilities-${name}`)), cpuCount: 8, memoryBytes: 2 ** 34 });

function offerOnBhyve(): MachineOffer | undefined {
  const { host, memoryBytes } = facts('bhyve');
  const [guest, told] = [fullyVirtual(host.guests, host.architecture), golden('domain-capabilities-bhyve')];
  return guest && offerOfBhyve({ guest, domain: readDomainCapabilities(told), loaders: readLoaders(told), memoryBytes });
}

const there = (offer: MachineOffer | undefined): MachineOffer => {
  if (offer === undefined) throw new Error('the recorded host offers no machine');
  return offer;
};

/** What hosts that no test has would offer: of each, what its daemon would say is written down. */
export const offers: Readonly<Record<'bhyve' | 'cloud-hypervisor', { readonly dialect: Dialect; readonly offer: MachineOffer }>> = {
  bhyve: { dialect: bhyve, offer: there(offerOnBhyve()) },
  'cloud-hypervisor': { dialect: cloudHypervisor, offer: there(offerOfCloudHypervisor(facts('cloud-hypervisor'))) },
};
