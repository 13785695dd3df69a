import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { MachineDefinition, Mark, NetworkDefinition, PoolId } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { dialectOf } from '#drivers/libvirt/dialects/by-driver.js';
import { bestMachine, readCapabilities, readDomainCapabilities, readQemuIdentity } from '#drivers/libvirt/xml/capabilities.js';
import { isAgentConnected } from '#drivers/libvirt/xml/channel.js';
import { readServerPlace } from '#drivers/libvirt/xml/graphics.js';
import { readMark } from '#drivers/libvirt/xml/metadata.js';
import { readNetwork, readSubnets } from '#drivers/libvirt/xml/network.js';
import { editNetwork } from '#drivers/libvirt/xml/network-edit.js';
import { readLeaseSeconds } from '#drivers/libvirt/xml/network-leases.js';
import { networkUpdates } from '#drivers/libvirt/xml/network-update.js';
import { readPool } from '#drivers/libvirt/xml/pool.js';
import { readPoolKinds } from '#drivers/libvirt/xml/pool-source.js';
import { imageLocation } from '#drivers/libvirt/xml/rbd.js';
import { readIdentity } from '#drivers/libvirt/xml/read.js';
import { readStoredBytes, readVolume } from '#drivers/libvirt/xml/volume.js';
import { parseXml } from '#drivers/xml/parse.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import type { XmlElement } from '#drivers/xml/tree.js';
import { checkData, seedTexts, type Target, unlessRefused } from '../target.js';

/** Seen from `dist/test/fuzz/targets/`. */
const golden = fileURLToPath(new URL('../../../../test/golden/libvirt/', import.meta.url));

/** Of what libvirt really wrote the small ones: what is bred of large ones is large, and slow to read. */
const written = (beginning: string): readonly Uint8Array[] =>
  readdirSync(golden)
    .filter((name) => name.startsWith(beginning) && name.endsWith('.xml'))
    .sort()
    .map((name) => readFileSync(golden + name))
    .filter(({ length }) => length < 4_096);

const dialects = (['qemu', 'lxc', 'xen', 'bhyve', 'ch', 'vbox', 'vz'] as const).flatMap((driver) => dialectOf(driver) ?? []);
const mark: Mark = { owner: { cluster: 'c', namespace: 'n', name: 'web', uid: 'u' }, record: '{}' };
const definition: MachineDefinition = {
  uuid: '7d4c2f1e-0000-4000-8000-000000000002',
  nativeName: 'shop.full',
  cpuCount: 3,
  memoryBytes: 2 ** 28,
  disks: [
    { name: 'root', location: '/p/root', format: 'Qcow2', bus: 'VirtioScsi', cache: 'None' },
    { name: 'new', location: '/dev/vg/new', format: 'Raw', bus: 'NVMe' },
  ],
  interfaces: [{ name: 'main', network: 'shop.net', macAddress: '52:54:00:00:00:01' }],
  serial: true,
  rng: true,
  guestAgent: true,
  graphics: { type: 'VNC' },
  seed: { kind: 'CloudInit', location: '/p/seed' },
};
const network: NetworkDefinition = {
  uuid: definition.uuid,
  nativeName: 'shop.net',
  forward: { mode: 'NAT' },
  ipv4: { address: '10.1.0.1', prefix: 24, ranges: [{ start: '10.1.0.2', end: '10.1.0.9' }], hosts: [] },
  records: [{ ip: '10.1.0.3', name: 'db' }],
};

const machine = `<domain type='kvm' id='7'><name>web</name><uuid>${definition.uuid}</uuid><metadata><v:machine xmlns:v="https://virtwright.io/xmlns/libvirt/1"
cluster="c" namespace="n" name="web" uid="u">{}</v:machine></metadata><memory unit='MiB'>64</memory><currentMemory unit='KiB'>65536</currentMemory><vcpu current='1'>2</vcpu>
<os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type><boot dev='hd'/></os><cpu mode='host-model'/><devices><controller type='scsi' index='0' model='virtio-scsi'/>
<disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none'/><source file='/p/root'/><target dev='sda' bus='scsi'/><iotune><read_iops_sec>5</read_iops_sec></iotune>
<alias name='ua-root'/><boot order='1'/><address type='drive' controller='0' unit='0'/></disk><interface type='network'><mac address='52:54:00:00:00:01'/><source network='n'/>
<model type='virtio'/><mtu size='1500'/><link state='up'/><alias name='ua-net_main'/></interface><graphics type='vnc' port='5900' passwd='p'><listen type='address' address='0.0.0.0'/></graphics>
<video><model type='vga'/></video><tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm><rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0' state='connected'/></channel></devices></domain>`;
const host = `<capabilities><host><cpu><arch>x86_64</arch></cpu><secmodel><model>dac</model><baselabel type='qemu'>+64055:+109</baselabel></secmodel></host><guest><os_type>hvm</os_type>
<arch name='x86_64'><emulator>/usr/bin/qemu</emulator><machine maxCpus='288' canonical='pc-q35-7.2'>q35</machine><machine maxCpus='255'>pc</machine><domain type='qemu'/></arch></guest></capabilities>`;
const emulator = `<domainCapabilities><path>/usr/bin/qemu</path><domain>kvm</domain><machine>q35</machine><arch>x86_64</arch><vcpu max='288'/><os><enum name='firmware'><value>efi</value></enum>
<loader supported='yes'><enum name='secure'><value>yes</value></enum></loader></os><cpu><mode name='maximum' supported='yes'/></cpu><devices><disk supported='yes'><enum name='bus'><value>scsi</value></enum></disk>
<tpm supported='yes'><enum name='model'><value>tpm-crb</value></enum></tpm></devices></domainCapabilities>`;
const pools = `<storagepoolCapabilities><pool type='dir' supported='yes'/><pool type='rbd' supported='no'/></storagepoolCapabilities>`;
const ceph = `<pool type='rbd'><name>c</name><uuid>${definition.uuid}</uuid><source><host name='m' port='6789'/><name>p</name>
<auth type='ceph' username='u'><secret uuid='${definition.uuid}'/></auth></source><capacity unit='KiB'>7</capacity></pool>`;

/** What we make of it must be XML: a refusal of that would be one of ourselves. */
function parsedAgain(text: string): XmlElement {
  const tree = unlessRefused([DriverError], () => parseXml(text, 'what we wrote'));
  if (tree === undefined) throw new Error(`${text} is no XML`);
  return tree;
}

/** What was read is edited as it would be. */
function edited(native: XmlElement, edit: (native: XmlElement) => XmlElement): void {
  parsedAgain(serializeXml(edit(native)));
}

/** Each of them alone: that one refuses says nothing of the others. */
function reads(bytes: Buffer, ...readers: readonly ((tree: XmlElement) => unknown)[]): void {
  const tree = unlessRefused([DriverError], () => parseXml(bytes.toString('utf8'), 'XML'));
  if (tree === undefined) return;
  for (const reader of readers) checkData(unlessRefused([DriverError], () => reader(tree)));
}

function survivesWriting(tree: XmlElement): void {
  const text = serializeXml(tree);
  if (serializeXml(parsedAgain(text)) !== text) throw new Error(`${text} is read as something else`);
}

export const libvirtXmlTargets: readonly Target[] = [
  {
    name: 'xml',
    seeds: seedTexts('<d xmlns:q="urn:q" a="1"><q:x q:id="7"/><![CDATA[<y>]]>&#x1F600;&amp;<!-- kept --><?pi x?></d>'),
    read: (bytes) => reads(bytes, survivesWriting),
  },
  {
    name: 'libvirt-machine',
    seeds: [...written('domain-'), ...seedTexts(machine)],
    read: (bytes) => {
      reads(bytes, readIdentity, readMark, readServerPlace, isAgentConnected);
      for (const dialect of dialects) {
        reads(bytes, dialect.readShape, dialect.readHardware);
        reads(bytes, (tree) => edited(tree, (native) => dialect.edit(native, definition, mark)));
      }
    },
  },
  {
    name: 'libvirt-capabilities',
    seeds: seedTexts(host, emulator, pools),
    read: (bytes) => {
      const text = bytes.toString('utf8');
      const host = unlessRefused([DriverError], () => readCapabilities(text));
      checkData(host?.guests.map(bestMachine));
      for (const reader of [readDomainCapabilities, readQemuIdentity, readPoolKinds])
        checkData(unlessRefused<unknown>([DriverError], () => reader(text)));
    },
  },
  {
    name: 'libvirt-network',
    seeds: written('network-'),
    read: (bytes) => {
      reads(bytes, readNetwork, readSubnets, (tree) => readLeaseSeconds(serializeXml(tree)));
      reads(bytes, (tree) => networkUpdates(tree, network).map(({ xml }) => serializeXml(xml)));
      reads(bytes, (tree) => edited(tree, (native) => editNetwork(native, network)));
    },
  },
  {
    name: 'libvirt-stores',
    seeds: [...written('pool-'), ...written('volume-'), ...seedTexts(ceph)],
    read: (bytes) => {
      const volume = (tree: XmlElement) => readVolume(tree, 'pool' as PoolId);
      reads(
        bytes,
        (tree) => readPool(serializeXml(tree), true),
        volume,
        readStoredBytes,
        (tree) => imageLocation(tree, 'root'),
      );
    },
  },
];
