import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { decode, type Kind } from '#crds/decode.js';
import { readCrds } from '#crds/schema.js';
import { useCluster } from '#test/cluster/api-server.js';

const cluster = await useCluster(t);
const folder = (name: string) => fileURLToPath(new URL(`../../../${name}`, import.meta.url));
const crds = [...readCrds().values()];
/** All that kubectl complained about so far. */
let heard = '';

interface Manifest {
  readonly kind: Kind;
  readonly metadata: { readonly name: string };
  readonly spec: object;
}

const documents = (items: readonly Manifest[]) =>
  items.map((item) => JSON.stringify({ apiVersion: 'virtwright.io/v1alpha1', ...item })).join('\n---\n');

async function kubectl(...args: readonly string[]): Promise<string> {
  const { stdout, stderr, code } = await cluster.kubectl(...args);
  heard += stderr;
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** What the API server says against these objects: one line for each that it refuses. */
async function complaints(verb: 'create' | 'replace', items: readonly Manifest[]): Promise<readonly string[]> {
  const { stderr } = await cluster.kubectl(verb, '--dry-run=server', '--validate=strict', '-f', '-', { input: documents(items) });
  heard += stderr;
  return stderr.split(/^(?=Error from server|The )/m).filter((text) => text.trim() !== '');
}

/** `spec.uri: … accepted are` stands for any text with these parts in this order. */
function pattern(expected: string): RegExp {
  const parts = expected.split('…').map((part) => part.trim().replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return new RegExp(parts.join('.*'));
}

const machine = (name: string, spec: object = {}): Manifest => ({
  kind: 'VirtualMachine',
  metadata: { name },
  spec: { memory: { size: '1Gi' }, ...spec },
});
const volume = (name: string, spec: object = {}): Manifest => ({
  kind: 'StorageVolume',
  metadata: { name },
  spec: { size: '1Gi', ...spec },
});
const pool = (name: string, spec: object = {}): Manifest => ({
  kind: 'StoragePool',
  metadata: { name },
  spec: { directory: { path: '/srv/a' }, ...spec },
});
const existingPool = (name: string, existing: string): Manifest => ({
  kind: 'StoragePool',
  metadata: { name },
  spec: { existing: { name: existing } },
});
const madeOf = (name: string, spec: object): Manifest => ({ kind: 'StoragePool', metadata: { name }, spec });
const host = (name: string, spec: object = {}): Manifest => ({
  kind: 'Hypervisor',
  metadata: { name },
  spec: { uri: 'qemu:///system', ...spec },
});
const network = (name: string, spec: object = {}): Manifest => ({
  kind: 'VirtualNetwork',
  metadata: { name },
  spec: { existing: { name: 'br-lan' }, ...spec },
});
const own = (name: string, spec: object): Manifest => ({ kind: 'VirtualNetwork', metadata: { name }, spec });
const networkInstance = (name: string, spec: object = {}): Manifest => ({
  kind: 'VirtualNetworkInstance',
  metadata: { name },
  spec: { networkRef: { name: 'lan' }, hypervisor: 'kvm1', ...spec },
});
const action = (name: string, spec: object = {}): Manifest => ({
  kind: 'VirtualMachineAction',
  metadata: { name },
  spec: { machineRef: { name: 'db' }, verb: 'Stop', ...spec },
});
const session = (name: string, spec: object = {}): Manifest => ({
  kind: 'Session',
  metadata: { name },
  spec: { purpose: 'Console', machineRef: { name: 'db' }, certificateSHA256: 'a'.repeat(64), ...spec },
});
const instance = (name: string, spec: object = {}): Manifest => ({
  kind: 'StoragePoolInstance',
  metadata: { name },
  spec: { poolRef: { name: 'fast' }, hypervisor: 'kvm1', ...spec },
});
const disk = (name: string, more: object = {}) => ({ name, volumeRef: { name }, ...more });
const made = (name: string, more: object = {}) => ({ name, volumeTemplate: { size: '1Gi', ...more } });
const nic = (name: string, more: object = {}) => ({ name, networkRef: { name: 'lan' }, ...more });
const image = { url: 'https://images.example.org/a.qcow2', format: 'Qcow2' };

/** One for each rule of a network of our own. */
function wrongNetworks(): readonly (readonly [Manifest, string])[] {
  const [nat, ipv4, ipv6] = [{ forward: { mode: 'NAT' } }, { address: '10.20.0.1/24' }, { address: 'fd00:20::1/64' }];
  const dhcp4 = (dhcp: object) => own('dhcp-4', { ...nat, ipv4: { ...ipv4, dhcp } });
  const dhcp6 = (dhcp: object) => own('dhcp-6', { ...nat, ipv6: { ...ipv6, dhcp } });
  const macAddress = '52:54:00:00:00:0a';
  const range = 'the ends of each of dhcp.ranges are addresses of this subnet';
  const ip = 'the ip of each of dhcp.hosts is an address of this subnet';
  return [
    [own('both', { ...nat, ipv4, existing: { name: 'lan' } }), 'spec: … name exactly one kind of network: forward or existing'],
    [network('tuned', { mtu: 1400 }), 'spec: … an existing network is used as it is; mtu, vlan, ipv4, ipv6 and dns go with forward'],
    [
      own('bridged', { forward: { mode: 'Bridge', bridge: 'br0' }, ipv4 }),
      "spec: … with Bridge, OpenVSwitch and Direct the network is the host's",
    ],
    [own('tagged', { ...nat, ipv4, vlan: 40 }), 'spec: … frames are tagged on a bridge of the host; vlan goes with Bridge and OpenVSwitch'],
    [own('nowhere', nat), 'spec: … NAT and Route need ipv4 or ipv6, which says what is forwarded'],
    [own('nameless', { forward: { mode: 'None' }, dns: { domain: 'a.b' } }), 'spec: … dns needs ipv4 or ipv6, at whose address it answers'],
    [own('narrow', { ...nat, ipv6, mtu: 1000 }), 'spec: … IPv6 needs an mtu of 1280 or more'],
    [own('unbridged', { forward: { mode: 'Bridge' } }), 'spec.forward: … Bridge and OpenVSwitch need a bridge, and nothing else takes one'],
    [own('natted', { forward: { mode: 'NAT', bridge: 'br0' }, ipv4 }), 'spec.forward: … Bridge and OpenVSwitch need a bridge'],
    [own('undirected', { forward: { mode: 'Direct' } }), 'spec.forward: … Direct needs a device'],
    [own('device', { forward: { mode: 'Open', device: 'eth0' }, ipv4 }), 'spec.forward: … a device goes with Direct, NAT and Route'],
    [own('path', { forward: { mode: 'Direct', device: '../eth0' } }), 'spec.forward.device in body should match'],
    [own('word', { forward: { mode: 'nat' } }), 'spec.forward.mode: Unsupported value: "nat"'],
    [
      own('bare', { ...nat, ipv4: { address: '10.20.0.1' } }),
      'spec.ipv4.address: … an address and the length of the prefix, as 10.20.0.1/24',
    ],
    [
      own('wide', { ...nat, ipv4: { address: '10.20.0.1/31' } }),
      'spec.ipv4.address: … an address and the length of the prefix, as 10.20.0.1/24',
    ],
    [
      own('six', { ...nat, ipv6: { address: '10.20.0.1/24' } }),
      'spec.ipv6.address: … an address and the length of the prefix, as fd00:20::1/64',
    ],
    [dhcp4({ ranges: [{ start: '10.20.0.100', end: '10.20.1.100' }] }), `spec.ipv4: … ${range}`],
    [dhcp4({ ranges: [{ start: '10.20.0.100', end: 'here' }] }), 'spec.ipv4.dhcp.ranges[0].end in body should be at least 7 chars'],
    [dhcp4({ hosts: [{ macAddress, ip: '10.21.0.5' }] }), `spec.ipv4: … ${ip}`],
    [dhcp4({ hosts: [{ macAddress: 'FF:54:00:00:00:0A', ip: '10.20.0.5' }] }), 'spec.ipv4.dhcp.hosts[0].macAddress in body should match'],
    [dhcp6({ ranges: [{ start: 'fd00:20::100', end: 'fd00:21::100' }] }), `spec.ipv6: … ${range}`],
    [dhcp6({ hosts: [{ duid: '0:3:0:1:52:54', ip: 'fd00:21::5' }] }), `spec.ipv6: … ${ip}`],
    [
      own('unnumbered', { ...nat, ipv4, dns: { records: [{ name: 'db', ip: 'ten' }] } }),
      'spec.dns.records[0].ip: … an address is written as 10.20.0.10 or fd00:20::10',
    ],
    [
      host('subnets', { grants: [{ name: 'a', namespaces: { from: 'All' }, subnets: ['192.0.2.0'] }] }),
      'spec.grants[0].subnets[0]: … a subnet is written as 192.0.2.0/24 or 2001:db8::/32',
    ],
  ];
}

t.before(async () => {
  const { stderr } = await cluster.kubectl('apply', '-f', folder('crds'));
  t.equal(stderr, '', 'accepted without errors or warnings');
  await kubectl('wait', '--for=condition=Established', '--timeout=60s', ...crds.map(({ metadata }) => `crd/${metadata.name}`));
});

t.test('the CRDs are structural and served', async (t) => {
  const { items } = JSON.parse(await kubectl('get', 'crds', '-o', 'json'));
  t.equal(items.length, crds.length);
  for (const { metadata, status } of items) {
    const types = status.conditions.map(({ type, status }: { type: string; status: string }) => `${type}=${status}`).sort();
    t.same(types, ['Established=True', 'NamesAccepted=True'], metadata.name);
  }
});

t.test('every example is accepted, and applying it again changes nothing', async (t) => {
  const runsPods = !cluster.collects;
  // A standalone has nothing to run what the installation is made of.
  const names = (await readdir(folder('manifests'))).filter((name) => name.endsWith('.yaml') && (runsPods || name !== 'install.yaml'));
  const gitOps = ['manifests/examples/gitops/hosts', 'manifests/examples/gitops/shop'];
  const paths = [
    ...names.map((name) => `manifests/${name}`),
    'manifests/examples/vsphere',
    'manifests/examples/hyperv',
    'manifests/examples/libvirt',
    'manifests/examples/xen',
    'manifests/examples/placement',
    ...gitOps,
  ];
  const apply = ['apply', '--validate=strict', '--server-side', ...paths.flatMap((path) => ['-f', folder(path)])];
  const namesOf = async () =>
    (
      await kubectl(
        'get',
        'virtwright',
        '-A',
        '-o',
        'jsonpath={range .items[*]}{.kind}/{.metadata.name}:{.metadata.resourceVersion}{"\\n"}{end}',
      )
    ).trim();
  await kubectl(...apply);
  // The status of what nobody has looked at is shown from the beginning, and stored with the next write.
  await kubectl(...apply);
  const before = await namesOf();
  t.ok(before.split('\n').length > 10);
  await kubectl(...apply);
  t.equal(await namesOf(), before);
});

t.test('what the server gives decodes into the types', async (t) => {
  const { items } = JSON.parse(await kubectl('get', 'virtwright', '-A', '-o', 'json'));
  for (const item of items) {
    const { status, ...given } = structuredClone(item);
    t.same(status, { observedGeneration: -1 }, 'nobody has looked at it');
    t.same(decode(item.kind, item), given, `${item.kind} ${item.metadata.name}: the server had filled in all defaults`);
  }
});

t.test('what is right at a limit is accepted', async (t) => {
  const right = [
    machine('a'.repeat(63)),
    machine('ok-disks', { disks: Array.from({ length: 24 }, (_, i) => disk(`d${i}`)) }),
    machine('ok-disk-name', { disks: [disk('d'.repeat(20), { serial: 's'.repeat(20), bus: 'VirtioBlk' })] }),
    machine('ok-nvme', { disks: [disk('a', { bus: 'NVMe' }), disk('b', { bus: 'NVMe', serial: 's' })] }),
    machine('ok-made', { disks: [made('a', { source: image, whenDeleted: 'Delete' }), disk('ok-made-b'), made('c', { size: 4096 })] }),
    machine('ok-many-made', { disks: Array.from({ length: 24 }, (_, i) => made(`d${i}`, { source: image, poolRef: { name: 'p' } })) }),
    machine('ok-interfaces', { interfaces: Array.from({ length: 8 }, (_, i) => nic(`i${i}`, { macAddress: `52:54:00:00:00:0${i}` })) }),
    machine('ok-interface', { interfaces: [nic('a', { model: 'E1000e', macAddress: 'fe:ff:ff:ff:ff:ff' }), nic('b')] }),
    machine('ok-firmware', { firmware: { type: 'UEFI' } }),
    machine('ok-secure', { firmware: { type: 'UEFI', secureBoot: true } }),
    machine('ok-insecure', { firmware: { type: 'BIOS', secureBoot: false } }),
    machine('ok-hardware', {
      boot: { order: ['tools', 'a', 'lan'] },
      disks: [
        { ...disk('a'), bus: 'VirtioScsi', cache: 'None', io: 'Native', discard: 'Unmap', limits: { totalIops: 500, readBytes: '1Mi' } },
        { name: 'tools', cdrom: { volumeRef: { name: 'iso' } }, bus: 'SATA' },
        { name: 'tray', cdrom: {} },
        { name: 'empty', cdrom: { tray: 'Empty' } },
      ],
      interfaces: [{ name: 'lan', networkRef: { name: 'n' }, mtu: 1400, linkState: 'Down' }],
    }),
    machine('ok-room', { memory: { size: '1Gi', maxSize: '1Gi' }, cpu: { count: 2, maxCount: 8 } }),
    machine('ok-largest', { memory: { size: '64Ti' }, cpu: { count: 512 }, stop: { mode: 'Soft', timeoutSeconds: 86400 } }),
    ...[1048576, '1Mi', '1.5Gi', '0.5Gi', '2048k', '1048577024'].map((size, i) => machine(`ok-memory-${i}`, { memory: { size } })),
    machine('ok-uuid', {
      uuid: '6f1d2b0a-5c1e-4b0e-9a53-0d2f6f3c1e77',
      boot: { kernel: { volumeRef: { name: 'k' }, commandLine: 'c'.repeat(4096) } },
    }),
    volume(`${'v'.repeat(120)}.qcow2`, { size: '4Pi' }),
    ...[1024, '1Ki', '0.001Mi', '4503599627369472'].slice(0, 2).map((size, i) => volume(`ok-size-${i}`, { size })),
    volume('ok-source-says', { source: { ...image, format: 'Raw' } }),
    volume('ok-vmdk', { format: 'Vmdk' }),
    volume('ok-convert', { format: 'Raw', source: { ...image, format: 'Vhdx' } }),
    volume('ok-clone', { format: 'Raw', source: { volumeRef: { name: 'a' } } }),
    volume('ok-linked-vhdx', { format: 'Vhdx', source: { volumeRef: { name: 'a' }, clone: 'Linked' } }),
    volume('ok-linked', { format: 'Qcow2', source: { volumeRef: { name: 'a' }, clone: 'Linked' } }),
    machine('ok-vsphere', { vsphere: { guestId: 'debian12_64Guest' }, disks: [disk('a', { bus: 'Pvscsi' })] }),
    machine('ok-xen', { xen: { mode: 'PVH' }, disks: [disk('a', { bus: 'XenBlk' })], boot: { kernel: { volumeRef: { name: 'k' } } } }),
    machine('ok-drift', {
      driftPolicy: 'Observe',
      driftRules: [
        'spec.disks',
        'spec.disks[root].cache',
        'spec.memory.size',
        'spec.interfaces[lan]',
        'spec.interfaces[lan].vlan',
        'spec.cloudInit',
        'spec.boot.kernel.volumeRef',
      ].map((field) => ({ field, policy: 'Accept' })),
    }),
    volume('ok-url', { source: { ...image, url: 'http://[fd00::1]:8080/a?b=c@d', checksum: `sha512:${'a'.repeat(128)}` } }),
    host('h'.repeat(40), {
      namePrefix: 'p'.repeat(20),
      grants: [{ name: 'a', namespaces: { from: 'All' }, addresses: ['fd00::/8', '127.0.0.1/32'] }],
    }),
    host('ok-session', { uri: 'qemu+unix:///session?socket=/run/user/1000/libvirt/libvirt-sock' }),
    host('ok-test', { uri: 'test:///default' }),
    host('ok-tls', { uri: 'qemu+tls://kvm3.example.org:16514/system', credentialsSecretName: 'kvm3' }),
    host('ok-tls-unsaid', { uri: 'qemu://[fd00::1]/system' }),
    host('ok-ssh', { uri: 'qemu+ssh://virtwright@kvm3:2222/system?socket=/run/libvirt/virtqemud-sock', credentialsSecretName: 'kvm3' }),
    host('ok-tunnel', { uri: 'qemu+tcp://127.0.0.1:16509/system' }),
    host('ok-xen', { uri: 'xen:///system' }),
    host('ok-hyperv', { uri: 'hyperv://hv1.example.org' }),
    host('ok-hyperv-http', { uri: 'hyperv://[fd00::1]:15985/?transport=http' }),
    host('ok-hyperv-smb', { uri: 'hyperv://hv1.example.org/?transport=http&smb=off' }),
    host('ok-hyperv-smb-port', { uri: 'hyperv://hv1.example.org/?smb=1445&auth=kerberos' }),
    host('ok-hyperv-kerberos', { uri: 'hyperv://hv1.example.org:5987/?auth=kerberos' }),
    host('ok-esx', { uri: 'esx://[fd00::1]:8443/' }),
    host('ok-vpx', { uri: 'vpx://vcenter.example.org/Berlin%20Mitte/Cluster/esx1.example.org' }),
    existingPool('ok-existing', 'SAN <fast> 1'),
    madeOf('ok-filesystem', { filesystem: { device: '/dev/disk/by-uuid/0a-1', format: 'XFS', path: '/srv/fs' } }),
    madeOf('ok-nfs', { nfs: { server: 'filer.example.org', export: '/srv/vm', version: 'V4.2' } }),
    madeOf('ok-shared', { span: 'Shared', nfs: { server: 'filer', export: '/srv/vm' } }),
    madeOf('ok-gluster', { gluster: { server: 'gluster1', volume: 'machines', path: '/srv/g' } }),
    madeOf('ok-smb', { span: 'Shared', smb: { server: 'fs1.example.org', share: 'vms$', folder: 'web farm\\Disks' } }),
    madeOf('ok-whole-share', { smb: { server: 'fs1', share: 'vms', credentialsSecretName: 'fs1' } }),
    madeOf('ok-zfs', { zfs: { dataset: 'tank/machines' } }),
    madeOf('ok-disk', { disk: { device: '/dev/disk/by-id/a', label: 'DOS' } }),
    madeOf('ok-rbd', {
      span: 'Shared',
      rbd: { monitors: ['mon1', '192.0.2.3:6790'], pool: 'machines', user: 'a', credentialsSecretName: 'a' },
    }),
    madeOf('ok-open-rbd', { rbd: { monitors: ['mon1'], pool: 'machines' } }),
    madeOf('ok-iscsi', {
      span: 'Shared',
      iscsi: {
        server: 'san',
        target: 'iqn.2030-01.org.example:luns',
        initiator: 'iqn.2030-01.org.example:h',
        credentialsSecretName: 'san',
      },
    }),
    volume('ok-existing', { poolRef: { name: 'luns' }, existing: { name: 'unit:0:0:1' } }),
    madeOf('ok-lvm', { lvm: { volumeGroup: 'vg_0.a+b-c' } }),
    pool('p'.repeat(63), { directory: { path: '/var/lib/virt_wright/a.b/..c' } }),
    volume('ok-upload', { source: { upload: {}, format: 'Vhdx', checksum: `sha256:${'a'.repeat(64)}` } }),
    machine('ok-uploaded', { disks: [made('a', { source: { upload: {}, format: 'Qcow2' } })] }),
    session('ok-session'),
    session('ok-upload', { purpose: 'Upload', machineRef: undefined, volumeRef: { name: 'a' } }),
    action('ok-mode', { verb: 'Restart', mode: 'Hard', ttlSecondsAfterFinished: 0 }),
    instance(`${'p'.repeat(63)}.${'h'.repeat(40)}`),
    network('n'.repeat(63), { existing: { name: 'VM Network <1>' }, hypervisorSelector: { matchLabels: { zone: 'a' } } }),
    own('ok-bare', { forward: { mode: 'None' } }),
    own('ok-whole', {
      forward: { mode: 'NAT', device: 'eth0.40' },
      mtu: 1280,
      ipv4: {
        address: '10.20.0.1/24',
        dhcp: {
          ranges: [{ start: '10.20.0.100', end: '10.20.0.200' }],
          hosts: [{ macAddress: '52:54:00:00:00:0a', ip: '10.20.0.10', name: 'db' }],
        },
      },
      ipv6: { address: 'fd00:20::1/64', dhcp: { ranges: [{ start: 'fd00:20::100', end: 'fd00:20::1ff' }] } },
      dns: { domain: 'shop.internal', records: [{ name: 'db', ip: 'fd00:20::10' }] },
    }),
    networkInstance(`${'n'.repeat(63)}.${'h'.repeat(40)}`),
    host('ok-networks', { grants: [{ name: 'a', namespaces: { from: 'All' }, networks: ['VM Network', 'br-lan'] }] }),
  ];
  t.same(await complaints('create', right), []);
});

t.test('what is wrong is refused by its path, with the remedy', async (t) => {
  const wrong: readonly (readonly [Manifest, string])[] = [
    [machine('typo', { memroy: { size: '1Gi' } }), 'unknown field "spec.memroy"'],
    [machine('typo-deep', { disks: [disk('a', { buss: 'VirtioBlk' })] }), 'unknown field "spec.disks[0].buss"'],
    [machine('device', { devices: { sound: {} } }), 'unknown field "spec.devices.sound"'],
    [machine('serial-port', { devices: { serial: { port: 1 } } }), 'unknown field "spec.devices.serial.port"'],
    [{ kind: 'VirtualMachine', metadata: { name: 'bare' }, spec: {} }, 'spec.memory: Required value'],
    [machine('n'.repeat(64)), 'metadata.name: Too long: may not be more than 63'],
    [machine('dotted.name'), "metadata.name in body should match '^[a-z0-9]"],
    [
      machine('strategy', { runStrategy: 'Allways' }),
      'spec.runStrategy: Unsupported value: "Allways": supported values: "Always", "RerunOnFailure"',
    ],
    [machine('running', { running: true }), 'unknown field "spec.running"'],
    [
      machine('told-twice', { cloudInit: {}, ignition: { config: '{}' } }),
      'spec: Invalid value: a guest is told by cloudInit, by ignition or by sysprep; take the others out',
    ],
    [
      machine('user-data', { cloudInit: { userData: 'a', userDataSecretRef: { name: 'a' } } }),
      'write the user data here or name a Secret that has it, not both',
    ],
    [
      machine('network-data', { cloudInit: { networkData: 'a', networkDataSecretRef: { name: 'a' } } }),
      'write the network data here or name a Secret that has it, not both',
    ],
    [machine('no-config', { ignition: {} }), 'write the configuration here or name a Secret that has it'],
    [machine('no-answers', { sysprep: {} }), 'write the answer file here or name a Secret that has it'],
    [machine('hostname', { cloudInit: { hostname: 'a: b' } }), 'spec.cloudInit.hostname in body should match'],
    [machine('uuid', { uuid: '6F1D2B0A-5C1E-4B0E-9A53-0D2F6F3C1E77' }), 'spec.uuid in body should match'],
    [machine('uuid-short', { uuid: '6f1d2b0a' }), 'spec.uuid in body should match'],
    [machine('no-cpu', { cpu: { count: 0 } }), 'spec.cpu.count in body should be greater than or equal to 1'],
    [machine('many-cpus', { cpu: { count: 513 } }), 'spec.cpu.count in body should be less than or equal to 512'],
    [machine('cpu-text', { cpu: { count: '4' } }), 'spec.cpu.count in body must be of type integer: "string"'],
    [machine('memory-unit', { memory: { size: '8GB' } }), 'spec.memory.size in body should match'],
    [machine('memory-sign', { memory: { size: '-1Gi' } }), 'spec.memory.size in body should match'],
    [machine('memory-float', { memory: { size: 1.5 } }), 'spec.memory.size'],
    [machine('memory-negative', { memory: { size: -1048576 } }), 'memory is from 1Mi to 64Ti; write it with its unit, as 8Gi'],
    [machine('memory-little', { memory: { size: 8 } }), 'memory is from 1Mi to 64Ti; write it with its unit, as 8Gi'],
    [machine('memory-much', { memory: { size: '64.001Ti' } }), 'memory is from 1Mi to 64Ti'],
    [machine('memory-huge', { memory: { size: '9999999999999999Pi' } }), 'memory is from 1Mi to 64Ti'],
    [
      machine('memory-odd', { memory: { size: '2000000001' } }),
      'memory is a whole number of KiB: use Ki, Mi or Gi (2000Mi), not k, M or G',
    ],
    [
      machine('boot-both', { boot: { kernel: { volumeRef: { name: 'k' } }, order: ['a'] }, disks: [disk('a')] }),
      'say exactly one of what boots',
    ],
    [machine('boot-nobody', { boot: { order: ['b'] }, disks: [disk('a')] }), 'boot.order names what is neither a disk nor an interface'],
    [machine('cdrom-and', { disks: [{ ...disk('a'), cdrom: {} }] }), 'say exactly one of what the disk is'],
    [
      machine('cdrom-tray', { disks: [{ name: 'a', cdrom: { tray: 'Empty', volumeRef: { name: 'a' } } }] }),
      'spec.disks[0].cdrom.tray: … a tray with a disc in it is not Empty',
    ],
    [
      machine('bios-secure', { firmware: { type: 'BIOS', secureBoot: true } }),
      'spec.firmware.secureBoot: … secure boot is what UEFI has; give type UEFI, or leave secureBoot out',
    ],
    [machine('cdrom-nvme', { disks: [{ name: 'a', cdrom: {}, bus: 'NVMe' }] }), 'spec.disks[0].bus: … no CD-ROM drive is on NVMe'],
    [machine('cdrom-serial', { disks: [{ name: 'a', cdrom: {}, serial: 'x' }] }), 'a CD-ROM drive has neither serial'],
    [
      machine('limits-iops', { disks: [{ ...disk('a'), limits: { totalIops: 1, readIops: 1 } }] }),
      'totalIops is instead of readIops and writeIops',
    ],
    [
      machine('limits-bytes', { disks: [{ ...disk('a'), limits: { totalBytes: '1Mi', writeBytes: '1Mi' } }] }),
      'totalBytes is instead of readBytes and writeBytes',
    ],
    [machine('limits-none', { disks: [{ ...disk('a'), limits: { readIops: 0 } }] }), 'spec.disks[0].limits.readIops'],
    ...['totalBytes', 'readBytes', 'writeBytes'].map(
      (limit) =>
        [
          machine(`limits-${limit.toLowerCase()}`, { disks: [{ ...disk('a'), limits: { [limit]: 5 } }] }),
          'a limit is from 1Ki to 900Ti per second',
        ] as const,
    ),
    [
      volume('full-link', { allocation: 'Full', source: { volumeRef: { name: 'a' }, clone: 'Linked' } }),
      'a linked clone takes what differs',
    ],
    [machine('vlan', { interfaces: [{ name: 'a', networkRef: { name: 'n' }, vlan: 4095 }] }), 'spec.interfaces[0].vlan'],
    [machine('mtu', { interfaces: [{ name: 'a', networkRef: { name: 'n' }, mtu: 67 }] }), 'spec.interfaces[0].mtu'],
    [
      machine('memory-max', { memory: { size: '2Gi', maxSize: '2047Mi' } }),
      'maxSize is the most that size may become; raise it, or lower size',
    ],
    [
      network('host-of-nat', { forward: { mode: 'NAT', host: 'Attached' }, ipv4: { address: '10.0.0.1/24' } }),
      'host goes with None and Direct',
    ],
    [machine('memory-min-above', { memory: { size: '1Gi', minSize: '2Gi' } }), 'minSize is the least that may be left of size'],
    [machine('memory-buffer', { hyperv: { memoryBufferPercent: 50 } }), 'memoryBufferPercent is about dynamic memory'],
    [machine('com-twice', { hyperv: { comPorts: [{ port: 'COM1' }, { port: 'COM1' }] } }), 'Duplicate value'],
    [machine('com-none', { hyperv: { comPorts: [{ port: 'COM3' }] } }), 'Unsupported value: "COM3": supported values: "COM1", "COM2"'],
    [machine('memory-max-unit', { memory: { size: '2Gi', maxSize: '3GB' } }), 'spec.memory.maxSize in body should match'],
    [machine('memory-max-odd', { memory: { size: '1Mi', maxSize: '2001M' } }), 'memory is a whole number of KiB'],
    [machine('cpu-max', { cpu: { count: 4, maxCount: 3 } }), 'maxCount is the most that count may become; raise it, or lower count'],
    [machine('memory-decimal', { memory: { size: '2001M' } }), 'memory is a whole number of KiB'],
    [
      machine('stop-mode', { stop: { mode: 'Gentle' } }),
      'spec.stop.mode: Unsupported value: "Gentle": supported values: "Soft", "TrySoft", "Hard"',
    ],
    [machine('stop-long', { stop: { timeoutSeconds: 86401 } }), 'spec.stop.timeoutSeconds in body should be less than or equal to 86400'],
    [
      machine('both', { placement: { hypervisorRef: { name: 'a' }, hypervisorSelector: { matchLabels: { a: 'b' } } } }),
      'spec.placement: … name one hypervisor by hypervisorRef or choose among many by hypervisorSelector, not both',
    ],
    [
      machine('drift-nowhere', { driftRules: [{ field: 'spec.runStrategy', policy: 'Observe' }] }),
      "spec.driftRules[0].field: … no field of the machine's hardware; name one as status.drift does, such as spec.memory.size or spec.disks[root].cache",
    ],
    [
      machine('drift-often', { driftRules: Array.from({ length: 33 }, (_, i) => ({ field: `spec.disks[d${i}]`, policy: 'Observe' })) }),
      'spec.driftRules',
    ],
    [machine('select-none', { placement: { hypervisorSelector: { matchLabels: {} } } }), 'spec.placement.hypervisorSelector.matchLabels'],
    [machine('boot-what', { boot: {} }), 'say exactly one of what boots: kernel, or order'],
    [
      machine('line', { boot: { kernel: { volumeRef: { name: 'k' }, commandLine: 'a\nb' } } }),
      'spec.boot.kernel.commandLine in body should match',
    ],
    [
      machine('line-long', { boot: { kernel: { volumeRef: { name: 'k' }, commandLine: 'c'.repeat(4097) } } }),
      'spec.boot.kernel.commandLine: Too long',
    ],
    [machine('twins', { disks: [disk('a'), disk('a')] }), 'spec.disks[1]: Duplicate value: {"name":"a"}'],
    [
      machine('shared', { disks: [disk('a'), { name: 'b', volumeRef: { name: 'a' } }] }),
      'spec.disks: … two disks name the same volume; a volume is one disk of one machine',
    ],
    [volume('itself', { source: { volumeRef: { name: 'itself' } } }), 'spec.source: … a volume is not made from itself'],
    [machine('disk-name', { disks: [disk('Root')] }), 'spec.disks[0].name in body should match'],
    [machine('disk-long', { disks: [disk('d'.repeat(21))] }), 'spec.disks[0].name: Too long: may not be more than 20'],
    [machine('disk-what', { disks: [{ name: 'a' }] }), 'spec.disks[0]: … say exactly one of what the disk is: volumeRef for'],
    [
      machine('disk-both', { disks: [disk('a', { volumeTemplate: { size: '1Gi' } })] }),
      'spec.disks[0]: … say exactly one of what the disk is: volumeRef for',
    ],
    [machine('made-sizeless', { disks: [{ name: 'a', volumeTemplate: {} }] }), 'spec.disks[0].volumeTemplate.size: Required value'],
    [
      machine('made-keep', { disks: [made('a', { whenDeleted: 'Keep' })] }),
      'Unsupported value: "Keep": supported values: "Retain", "Delete"',
    ],
    [
      machine('disk-bus', { disks: [disk('a', { bus: 'Floppy' })] }),
      'spec.disks[0].bus: Unsupported value: "Floppy": supported values: "VirtioBlk"',
    ],
    [machine('disk-serial', { disks: [disk('a', { serial: 'a,b=c' })] }), 'spec.disks[0].serial in body should match'],
    [
      machine('disk-serial-long', { disks: [disk('a', { serial: 's'.repeat(21) })] }),
      'spec.disks[0].serial: Too long: may not be more than 20',
    ],
    [
      machine('disks', { disks: Array.from({ length: 25 }, (_, i) => disk(`d${i}`)) }),
      'spec.disks: Too many: 25: must have at most 24 items',
    ],
    [
      machine('nics', { interfaces: Array.from({ length: 9 }, (_, i) => nic(`i${i}`)) }),
      'spec.interfaces: Too many: 9: must have at most 8',
    ],
    [machine('firmware', { firmware: { type: 'EFI' } }), 'spec.firmware.type: Unsupported value: "EFI": supported values: "BIOS", "UEFI"'],
    [machine('guest-id', { vsphere: { guestId: 'a b' } }), 'spec.vsphere.guestId in body should match'],
    [machine('xen-mode', { xen: { mode: 'pv' } }), 'spec.xen.mode: Unsupported value: "pv": supported values: "PV", "PVH"'],
    [machine('guest-none', { vsphere: {} }), 'spec.vsphere.guestId: Required value'],
    [machine('firmware-none', { firmware: {} }), 'spec.firmware.type: Required value'],
    [machine('nic-twice', { interfaces: [nic('a'), nic('a')] }), 'spec.interfaces[1]: Duplicate value: {"name":"a"}'],
    [machine('nic-name', { interfaces: [nic('A')] }), 'spec.interfaces[0].name in body should match'],
    [machine('nic-where', { interfaces: [{ name: 'a' }] }), 'spec.interfaces[0].networkRef: Required value'],
    [
      machine('nic-model', { interfaces: [nic('a', { model: 'Rtl8139' })] }),
      'Unsupported value: "Rtl8139": supported values: "Virtio", "E1000e"',
    ],
    ...['52:54:00:AB:CD:EF', '01:00:5e:00:00:01', '00:00:00:00:00:00', '52:54:00:12:34', '52-54-00-12-34-56'].map(
      (macAddress, i): readonly [Manifest, string] => [
        machine(`nic-mac-${i}`, { interfaces: [nic('a', { macAddress })] }),
        'spec.interfaces[0].macAddress: … a MAC address is that of one interface, in lower case, as 52:54:00:12:34:56',
      ],
    ),
    [
      machine('init-of', { container: { rootVolumeRef: { name: 'a' }, init: ['sbin/init'] } }),
      'spec.container.init: … the first word is a path in the container, as /sbin/init',
    ],
    [machine('root-none', { container: {} }), 'a container has one root; name it by rootVolumeRef, or by rootHostPath'],
    [machine('root-two', { container: { rootVolumeRef: { name: 'a' }, rootHostPath: '/srv/a' } }), 'a container has one root'],
    [machine('root-up', { container: { rootHostPath: '/srv/../etc' } }), 'a path goes straight down'],
    [
      machine('privileged-volume', { container: { rootVolumeRef: { name: 'a' }, privileged: true } }),
      'spec.container.privileged: … what is in a volume belongs to users of containers that are not privileged',
    ],
    [
      machine('privileged-mount', {
        container: { rootHostPath: '/srv/root', privileged: true, mounts: [{ path: '/data', volumeRef: { name: 'a' } }] },
      }),
      "spec.container.mounts: … root of a privileged container is root on the host, and what it writes to a volume would be no container's any more",
    ],
    [machine('mount-none', { container: { rootVolumeRef: { name: 'a' }, mounts: [{ path: '/a' }] } }), 'a mount is a volume, by volumeRef'],
    [machine('shares-few', { cpu: { shares: 1 } }), 'spec.cpu.shares in body should be greater than or equal to 2'],
    [machine('limits-none', { container: { rootVolumeRef: { name: 'a' }, limits: { readBytes: '1' } } }), 'a limit is from 1Ki'],
    [
      machine('mount-of', { container: { rootVolumeRef: { name: 'a' }, mounts: [{ path: 'data', volumeRef: { name: 'b' } }] } }),
      'spec.container.mounts[0].path in body should match',
    ],
    [
      machine('mount-up', { container: { rootVolumeRef: { name: 'a' }, mounts: [{ path: '/data/../etc', volumeRef: { name: 'b' } }] } }),
      'a path goes straight down: write it without . and .., as /var/lib/data',
    ],
    [
      machine('nic-same', { interfaces: ['a', 'b'].map((name) => nic(name, { macAddress: '52:54:00:12:34:56' })) }),
      'spec.interfaces: … two interfaces have the same MAC address; give each its own, or leave it to the host',
    ],
    [volume('v'.repeat(129)), 'metadata.name: Too long: may not be more than 128'],
    [{ kind: 'StorageVolume', metadata: { name: 'sizeless' }, spec: {} }, 'spec.size: Required value'],
    [volume('size-none', { size: 0 }), 'a volume has from 1Ki to 4Pi; write it with its unit, as 40Gi'],
    [volume('size-much', { size: '5Pi' }), 'a volume has from 1Ki to 4Pi'],
    [volume('size-odd', { size: '1G' }), 'a volume has a whole number of KiB: use Ki, Mi or Gi (20Gi), or a multiple of 1024'],
    [volume('vformat', { format: 'VHD' }), 'spec.format: Unsupported value: "VHD": supported values: "Raw", "Qcow2", "Vmdk"'],
    [volume('guess', { source: { url: image.url } }), 'spec.source: … an image needs its format, as it is never guessed'],
    [volume('told', { source: { volumeRef: { name: 'a' }, format: 'Raw' } }), 'give format with url or upload, and only then'],
    [volume('nowhere-from', { source: {} }), 'spec.source: … say exactly one of where the content comes from'],
    [volume('two-sources', { source: { ...image, volumeRef: { name: 'a' } } }), 'say exactly one of where the content comes from'],
    [
      volume('sum-of-what', { source: { volumeRef: { name: 'a' }, checksum: `sha256:${'a'.repeat(64)}` } }),
      'a checksum is that of an image',
    ],
    [volume('clone-url', { source: { ...image, clone: 'Full' } }), 'clone says how another volume is copied; leave it out beside url'],
    [volume('clone-how', { source: { volumeRef: { name: 'a' }, clone: 'Thin' } }), 'supported values: "Full", "Linked"'],
    [
      volume('linked-raw', { format: 'Raw', source: { volumeRef: { name: 'a' }, clone: 'Linked' } }),
      'spec.format: … a linked clone is Qcow2, or on Hyper-V Vhdx or Vhd: leave format out, or make a Full clone',
    ],
    [
      volume('tree-raw', { format: 'Raw', source: { ...image, format: 'Tar' } }),
      'spec.format: … a Tar is unpacked into a Directory, and a Directory is made of nothing else',
    ],
    [volume('tree-image', { format: 'Directory', source: image }), 'a Directory is made of nothing else'],
    [
      volume('tree-clone', { format: 'Directory', source: { volumeRef: { name: 'a' } } }),
      'spec.source: … a directory is no copy of a volume; leave source.volumeRef out',
    ],
    ...[{ format: 'Directory' }, { source: { ...image, format: 'Tar' } }].map(
      (what, at) =>
        [
          volume(`tree-wiped-${at}`, { ...what, reclaimPolicy: 'Wipe' }),
          'spec.reclaimPolicy: … what a directory held cannot be wiped; let reclaimPolicy be Delete or Retain',
        ] as const,
    ),
    [
      volume('ftp', { source: { ...image, url: 'ftp://images.example.org/a' } }),
      'spec.source.url: … a URL is http or https, with a host, and without user',
    ],
    [volume('file', { source: { ...image, url: 'file:///etc/shadow' } }), 'spec.source.url: … a URL is http or https'],
    [volume('password', { source: { ...image, url: 'https://u:p@images.example.org/a' } }), 'without user, password or #fragment'],
    [volume('space', { source: { ...image, url: 'https://images.example.org/a b' } }), 'a URL is http or https'],
    [volume('md5', { source: { ...image, checksum: `md5:${'a'.repeat(32)}` } }), 'spec.source.checksum in body should match'],
    [volume('sha-short', { source: { ...image, checksum: `sha512:${'a'.repeat(64)}` } }), 'spec.source.checksum in body should match'],
    [
      volume('reclaim', { reclaimPolicy: 'Recycle' }),
      'spec.reclaimPolicy: Unsupported value: "Recycle": supported values: "Retain", "Delete", "Wipe"',
    ],
    [host('h'.repeat(41)), 'metadata.name: Too long: may not be more than 40'],
    [host('kvm3.example.org'), 'metadata.name in body should match'],
    [{ kind: 'Hypervisor', metadata: { name: 'nowhere' }, spec: {} }, 'spec.uri: Required value'],
    [
      host('user', { uri: 'esx://root:secret@esx1/' }),
      'spec.uri: … accepted are qemu:///system, lxc:///system, … and test:///default, also as qemu+unix:///system?socket=',
    ],
    [host('esx-path', { uri: 'esx://esx1/Berlin' }), 'spec.uri: … an ESX host has no path'],
    [host('vpx-bare', { uri: 'vpx://vcenter/Berlin' }), 'spec.uri: … a vCenter needs the path of a cluster or host'],
    [host('no-verify', { uri: 'qemu+tls://kvm3/system?no_verify=1' }), 'spec.uri: … accepted are … without no_verify'],
    [host('tcp', { uri: 'qemu+tcp://kvm3/system' }), 'spec.uri: … accepted are'],
    [host('tls-user', { uri: 'qemu+tls://root:secret@kvm3/system' }), 'spec.uri: … accepted are'],
    [host('ssh-nobody', { uri: 'qemu+ssh://kvm3/system' }), 'spec.uri: … accepted are'],
    [host('ssh-password', { uri: 'qemu+ssh://root:secret@kvm3/system' }), 'spec.uri: … accepted are'],
    [host('ssh-key', { uri: 'qemu+ssh://root@kvm3/system?keyfile=/etc/shadow' }), 'spec.uri: … accepted are'],
    [host('libssh', { uri: 'qemu+libssh://root@kvm3/system' }), 'spec.uri: … accepted are'],
    [
      host('copied', { credentialsSecretName: 'virtwright-host-kvm3' }),
      'spec.credentialsSecretName: … are copies made for agents; name the one that you write yourself',
    ],
    [host('elsewhere', { credentialsSecretName: 'shop/kvm3' }), 'spec.credentialsSecretName in body should match'],
    [host('unnamed', { credentialsSecretName: '' }), 'spec.credentialsSecretName in body should be at least 1 chars long'],
    [host('prefix', { namePrefix: 'a.b' }), 'spec.namePrefix in body should match'],
    [host('prefix-long', { namePrefix: 'p'.repeat(21) }), 'spec.namePrefix: Too long: may not be more than 20'],
    [
      host('cidr', { grants: [{ name: 'a', namespaces: { from: 'All' }, addresses: ['10.0.0.1'] }] }),
      'spec.grants[0].addresses[0]: … an address range is written as 10.1.0.0/16',
    ],
    [
      host('grant-twice', { grants: ['a', 'a'].map((name) => ({ name, namespaces: { from: 'All' } })) }),
      'spec.grants[1]: Duplicate value: {"name":"a"}',
    ],
    [host('grant-whom', { grants: [{ name: 'a' }] }), 'spec.grants[0].namespaces: Required value'],
    [
      host('grant-select', { grants: [{ name: 'a', namespaces: { from: 'Selector' } }] }),
      'spec.grants[0].namespaces: … from: Selector needs a selector, and from: All takes none',
    ],
    [
      host('network-twice', { grants: [{ name: 'a', namespaces: { from: 'All' }, networks: ['lan', 'lan'] }] }),
      'spec.grants[0].networks[1]: Duplicate value: "lan"',
    ],
    [
      host('network-none', { grants: [{ name: 'a', namespaces: { from: 'All' }, networks: [''] }] }),
      'spec.grants[0].networks[0] in body should be at least 1 chars',
    ],
    [{ kind: 'VirtualNetwork', metadata: { name: 'nothing' }, spec: {} }, 'spec: … name exactly one kind of network: forward or existing'],
    ...wrongNetworks(),
    [network('n'.repeat(64)), 'metadata.name: Too long: may not be more than 63'],
    [network('no-name', { existing: {} }), 'spec.existing.name: Required value'],
    [network('two-lines', { existing: { name: 'a\nb' } }), 'spec.existing.name in body should match'],
    [network('shared', { span: 'Shared' }), 'spec.span: Unsupported value: "Shared": supported values: "PerHost"'],
    [
      { kind: 'VirtualNetworkInstance', metadata: { name: 'where-to' }, spec: { networkRef: { name: 'lan' } } },
      'spec.hypervisor: Required value',
    ],
    [pool('p'.repeat(64)), 'metadata.name: Too long: may not be more than 63'],
    [
      { kind: 'StoragePool', metadata: { name: 'storeless' }, spec: {} },
      'spec: … name exactly one kind of store: directory, filesystem, nfs, gluster, smb, lvm, zfs, disk, iscsi, rbd or existing',
    ],
    [
      pool('two-stores', { existing: { name: 'a' } }),
      'spec: … name exactly one kind of store: directory, filesystem, nfs, gluster, smb, lvm, zfs, disk, iscsi, rbd or existing',
    ],
    [existingPool('nameless', ''), 'spec.existing.name in body should be at least 1 chars long'],
    [existingPool('long', 'n'.repeat(251)), 'spec.existing.name: Too long: may not be more than 250'],
    [existingPool('two-lines', 'a\nb'), 'spec.existing.name in body should match'],
    [pool('relative', { directory: { path: 'srv/a' } }), 'spec.directory.path in body should match'],
    [pool('slash', { directory: { path: '/srv/a/' } }), 'spec.directory.path in body should match'],
    [pool('root', { directory: { path: '/' } }), 'spec.directory.path in body should match'],
    [
      pool('climb', { directory: { path: '/srv/../etc' } }),
      'spec.directory.path: … the path has no . or .. in it: write the directory meant',
    ],
    [madeOf('dashes', { nfs: { server: '-o', export: '/srv' } }), 'spec.nfs.server in body should match'],
    [madeOf('nfs-climb', { nfs: { server: 'a', export: '/srv/../etc' } }), 'spec.nfs.export: … the path has no . or .. in it'],
    [madeOf('nfs-version', { nfs: { server: 'a', export: '/srv', version: 'V2' } }), 'spec.nfs.version: Unsupported value: "V2"'],
    [madeOf('no-device', { filesystem: { device: '/srv/image' } }), 'spec.filesystem.device in body should match'],
    [madeOf('dev-climb', { filesystem: { device: '/dev/../etc/passwd' } }), 'spec.filesystem.device: … the path has no . or .. in it'],
    [madeOf('swap', { filesystem: { device: '/dev/vdb', format: 'Swap' } }), 'spec.filesystem.format: Unsupported value: "Swap"'],
    [madeOf('no-group', { lvm: { volumeGroup: '--help' } }), 'spec.lvm.volumeGroup in body should match'],
    [madeOf('disk-climb', { disk: { device: '/dev/../etc', label: 'GPT' } }), 'spec.disk.device: … the path has no . or .. in it'],
    [madeOf('no-label', { disk: { device: '/dev/vdb' } }), 'spec.disk.label: Required value'],
    [madeOf('no-iqn', { iscsi: { server: 'san', target: 'luns' } }), 'spec.iscsi.target in body should match'],
    [madeOf('no-monitor', { rbd: { monitors: [], pool: 'a' } }), 'spec.rbd.monitors in body should have at least 1 items'],
    [madeOf('rbd-path', { rbd: { monitors: ['a'], pool: 'a/b' } }), 'spec.rbd.pool in body should match'],
    [
      madeOf('rbd-user', { rbd: { monitors: ['a'], pool: 'a', user: 'b' } }),
      'spec.rbd: … user and credentialsSecretName go together; give both, or neither',
    ],
    [madeOf('zfs-climb', { zfs: { dataset: 'tank/../x' } }), 'spec.zfs.dataset in body should match'],
    [madeOf('gluster-climb', { gluster: { server: 'a', volume: 'v', path: '/srv/..' } }), 'spec.gluster.path: … the path has no . or ..'],
    [madeOf('smb-climb', { smb: { server: 'a', share: 'b', folder: 'c\\..\\d' } }), 'spec.smb.folder in body should match'],
    [madeOf('smb-slash', { smb: { server: 'a', share: 'b', folder: '\\c' } }), 'spec.smb.folder in body should match'],
    [madeOf('smb-unc', { smb: { server: '\\\\a', share: 'b' } }), 'spec.smb.server in body should match'],
    [madeOf('shareless', { smb: { server: 'a' } }), 'spec.smb.share: Required value'],
    [madeOf('nfs-mount', { nfs: { server: 'a', export: '/srv', path: '/srv/../etc' } }), 'spec.nfs.path: … the path has no . or ..'],
    [volume('found', { existing: { name: 'unit:0:0:1' } }), 'spec.existing: … an existing volume is used as it is'],
    [madeOf('two-kinds', { lvm: { volumeGroup: 'a' }, nfs: { server: 'a', export: '/srv' } }), 'spec: … name exactly one kind of store'],
    [pool('span', { span: 'Some' }), 'spec.span: Unsupported value: "Some": supported values: "PerHost", "Shared"'],
    [
      madeOf('shared-group', { span: 'Shared', lvm: { volumeGroup: 'a' } }),
      'spec: … a file system, volume group, dataset or disk that several hosts write to is lost',
    ],
    [pool('all-select', { allowedNamespaces: { from: 'All', selector: { matchLabels: { a: 'b' } } } }), 'from: All takes none'],
    [
      action('verb', { verb: 'Explode' }),
      'spec.verb: Unsupported value: "Explode": supported values: "Start", "Stop", "Restart", "Pause", "Resume", "Reset"',
    ],
    [
      action('start-mode', { verb: 'Start', mode: 'Hard' }),
      'spec.mode: … mode says how a machine is stopped, and goes only with Stop and Restart; leave it out',
    ],
    [session('spy', { purpose: 'Listen' }), 'spec.purpose: Unsupported value: "Listen"'],
    [session('whose', { certificateSHA256: 'A'.repeat(64) }), 'spec.certificateSHA256 in body should match'],
    [
      session('nothing', { machineRef: undefined }),
      'spec.purpose: … Upload is about a volume: name it in volumeRef; Plan is about a host: name it in hypervisorRef; all else is about a machine',
    ],
    [session('both', { volumeRef: { name: 'a' } }), 'spec.purpose: … Upload is about a volume'],
    [session('upload', { purpose: 'Upload' }), 'spec.purpose: … Upload is about a volume'],
    [session('plan', { purpose: 'Plan' }), 'spec.purpose: … Plan is about a host'],
    [session('host', { hypervisorRef: { name: 'a' } }), 'spec.purpose: … Plan is about a host'],
    [volume('upload-guess', { source: { upload: {} } }), 'an image needs its format, as it is never guessed'],
    [volume('upload-two', { source: { ...image, upload: {} } }), 'say exactly one of where the content comes from'],
    [action('ttl', { ttlSecondsAfterFinished: -1 }), 'spec.ttlSecondsAfterFinished in body should be greater than or equal to 0'],
    [{ kind: 'VirtualMachineAction', metadata: { name: 'whom' }, spec: { verb: 'Stop' } }, 'spec.machineRef: Required value'],
    [{ kind: 'StoragePoolInstance', metadata: { name: 'where' }, spec: { poolRef: { name: 'fast' } } }, 'spec.hypervisor: Required value'],
  ];
  const said = await complaints(
    'create',
    wrong.map(([manifest]) => manifest),
  );
  t.equal(said.length, wrong.length);
  for (const [i, [{ kind, metadata }, message]] of wrong.entries())
    t.match(said[i], pattern(message), `${kind} ${metadata.name.slice(0, 40)}`);
});

t.test('what may not change is refused, and what may is accepted', async (t) => {
  const uuid = '6f1d2b0a-5c1e-4b0e-9a53-0d2f6f3c1e77';
  const changes: readonly (readonly [(spec?: object) => Manifest, object, object, string | undefined])[] = [
    [(spec) => machine('set-uuid', spec), {}, { uuid }, undefined],
    [
      (spec) => machine('lose-uuid', spec),
      { uuid },
      {},
      'spec.uuid: … uuid never changes once set; put the old one back, or make a new machine',
    ],
    [(spec) => machine('new-uuid', spec), { uuid }, { uuid: uuid.replace('6', '7') }, 'spec.uuid: … uuid never changes once set'],
    [
      (spec) => machine('contain', spec),
      {},
      { container: { rootVolumeRef: { name: 'a' } } },
      'spec.container: … a machine does not become a container, nor a container a machine; make a new object',
    ],
    [(spec) => machine('uncontain', spec), { container: { rootVolumeRef: { name: 'a' } } }, {}, 'a machine does not become a container'],
    [(spec) => machine('halt', spec), {}, { runStrategy: 'Halted', memory: { size: '2Gi' }, disks: [disk('a')] }, undefined],
    [(spec) => machine('made-grow', spec), { disks: [made('a')] }, { disks: [made('a', { size: '2Gi' }), made('b')] }, undefined],
    [(spec) => machine('made-to-named', spec), { disks: [made('a')] }, { disks: [disk('a')] }, undefined],
    [(spec) => machine('made-shrink', spec), { disks: [made('a')] }, { disks: [made('a', { size: '1Mi' })] }, 'keep at least 1Gi'],
    ...(
      [
        [{ poolRef: { name: 'b' } }, 'poolRef: … a volume stays in its pool; add a disk'],
        [{ source: image }, 'source: … a volume is filled once, when it is made; add a disk'],
        [{ format: 'Raw' }, 'format: … the format of a volume never changes; add a disk'],
      ] as const
    ).map(
      ([after, message], i) =>
        [
          (spec?: object) => machine(`made-${i}`, spec),
          { disks: [made('a')] },
          { disks: [made('a', after)] },
          `spec.disks[0].volumeTemplate.${message}`,
        ] as const,
    ),
    [
      (spec) => volume('shrink', spec),
      { size: '2Gi' },
      { size: '1.5Gi' },
      'spec.size: … size never shrinks: make a new volume and copy, or keep at least 2Gi',
    ],
    [(spec) => volume('shrink-plain', spec), { size: 4096 }, { size: 2048 }, 'keep at least 4096'],
    [(spec) => volume('grow', spec), { size: '2Gi' }, { size: '200Gi' }, undefined],
    [(spec) => volume('same-size', spec), { size: '2Gi' }, { size: '2048Mi' }, undefined],
    [
      (spec) => volume('move', spec),
      { poolRef: { name: 'a' } },
      { poolRef: { name: 'b' } },
      'spec.poolRef: … a volume stays in its pool; make a new volume in the other pool and copy',
    ],
    [(spec) => volume('move-in', spec), {}, { poolRef: { name: 'b' } }, 'spec.poolRef: … a volume stays in its pool'],
    [
      (spec) => volume('refill', spec),
      {},
      { source: image },
      'spec.source: … a volume is filled once, when it is made; make a new volume from the other source',
    ],
    [(spec) => volume('unfill', spec), { source: image }, {}, 'spec.source: … a volume is filled once'],
    [
      (spec) => volume('reformat', spec),
      { format: 'Raw' },
      {},
      'spec.format: … the format of a volume never changes; make a new volume and copy',
    ],
    [(spec) => volume('reformat-to', spec), { format: 'Raw' }, { format: 'Qcow2' }, 'spec.format: … the format of a volume never changes'],
    [
      (spec) => volume('take-later', spec),
      {},
      { allocation: 'Full' },
      'spec.allocation: … how the room of a volume is taken never changes',
    ],
    [(spec) => volume('say-later', spec), {}, { format: 'Raw' }, undefined],
    [(spec) => volume('keep', spec), { reclaimPolicy: 'Retain' }, { reclaimPolicy: 'Delete' }, undefined],
    [
      (spec) => pool('path', spec),
      {},
      { directory: { path: '/srv/b' } },
      'spec.directory.path: … the path of a pool never changes, as its volumes stay where they are; make a new pool',
    ],
    [
      (spec) => madeOf('reserve', { nfs: { server: 'a', export: '/srv' }, ...spec }),
      {},
      { nfs: { server: 'b', export: '/srv' } },
      'spec.nfs: … the export of a pool never changes, as its volumes stay where they are; make a new pool',
    ],
    [
      (spec) => madeOf('remount', { filesystem: { device: '/dev/vdb' }, ...spec }),
      {},
      { filesystem: { device: '/dev/vdc' } },
      'spec.filesystem: … the file system of a pool never changes, as its volumes stay where they are; make a new pool',
    ],
    [
      (spec) => madeOf('regroup', { lvm: { volumeGroup: 'a' }, ...spec }),
      {},
      { lvm: { volumeGroup: 'b' } },
      'spec.lvm: … the volume group of a pool never changes, as its volumes stay where they are; make a new pool',
    ],
    [
      (spec) => madeOf('regluster', { gluster: { server: 'a', volume: 'v' }, ...spec }),
      {},
      { gluster: { server: 'a', volume: 'w' } },
      'spec.gluster: … the Gluster volume of a pool never changes, as its volumes stay where they are; make a new pool',
    ],
    [
      (spec) => madeOf('reshare', { smb: { server: 'a', share: 'b' }, ...spec }),
      {},
      { smb: { server: 'a', share: 'c' } },
      'spec.smb: … the share of a pool never changes, as its volumes stay where they are; make a new pool',
    ],
    [
      (spec) => madeOf('refolder', { smb: { server: 'a', share: 'b' }, ...spec }),
      {},
      { smb: { server: 'a', share: 'b', folder: 'c' } },
      'spec.smb: … the share of a pool never changes',
    ],
    [
      (spec) => madeOf('let-in', { smb: { server: 'a', share: 'b' }, ...spec }),
      {},
      { smb: { server: 'a', share: 'b', credentialsSecretName: 'fs1' } },
      undefined,
    ],
    [
      (spec) => madeOf('reset', { zfs: { dataset: 'a' }, ...spec }),
      {},
      { zfs: { dataset: 'b' } },
      'spec.zfs: … the dataset of a pool never changes, as its volumes stay where they are; make a new pool',
    ],
    [
      (spec) => madeOf('redisk', { disk: { device: '/dev/vdb', label: 'GPT' }, ...spec }),
      {},
      { disk: { device: '/dev/vdc', label: 'GPT' } },
      'spec.disk: … the disk of a pool never changes, as its volumes stay where they are; make a new pool',
    ],
    [
      (spec) => madeOf('repool', { rbd: { monitors: ['a'], pool: 'a' }, ...spec }),
      {},
      { rbd: { monitors: ['b'], pool: 'a' } },
      'spec.rbd: … the monitors, the pool and the user never change, as machines have them; make a new pool',
    ],
    [
      (spec) => madeOf('retarget', { iscsi: { server: 'a', target: 'iqn.2030-01.org.example:a' }, ...spec }),
      {},
      { iscsi: { server: 'a', target: 'iqn.2030-01.org.example:b' } },
      'spec.iscsi: … the target of a pool never changes, as its volumes stay where they are; make a new pool',
    ],
    [
      (spec) => volume('other-lun', { poolRef: { name: 'luns' }, existing: { name: 'a' }, ...spec }),
      {},
      { existing: { name: 'b' } },
      'spec.existing: … the existing volume never changes; make a new object for another',
    ],
    [(spec) => pool('widen', spec), {}, { span: 'Shared' }, 'spec: … the span of a pool never changes'],
    [
      (spec) => pool('adopt', spec),
      {},
      { directory: undefined, existing: { name: 'a' } },
      'spec: … the kind of store of a pool never changes, as its volumes stay where they are; make a new pool',
    ],
    [
      (spec) => ({ ...existingPool('rename', 'a'), ...(spec === undefined ? {} : { spec: { existing: { name: 'a' }, ...spec } }) }),
      {},
      { existing: { name: 'b' } },
      'spec.existing.name: … the name of an existing pool never changes, as its volumes stay where they are; make a new pool',
    ],
    [(spec) => pool('select', spec), {}, { hypervisorSelector: { matchLabels: { a: 'b' } } }, undefined],
    [
      (spec) => action('again', spec),
      {},
      { verb: 'Restart' },
      'spec: … an action is done once and never changes; make a new VirtualMachineAction',
    ],
    [
      (spec) => session('again', spec),
      {},
      { certificateSHA256: 'b'.repeat(64) },
      'spec: … a session is opened once and never changes; make a new Session',
    ],
    [(spec) => instance('elsewhere', spec), {}, { hypervisor: 'kvm2' }, 'spec: … an instance never changes its pool or hypervisor'],
    [(spec) => networkInstance('moved', spec), {}, { hypervisor: 'kvm2' }, 'spec: … an instance never changes its network or hypervisor'],
    [
      (spec) => network('other', spec),
      {},
      { existing: { name: 'br-dmz' } },
      'spec.existing.name: … the name of an existing network never changes, as machines are attached to it; make a new network',
    ],
    [
      (spec = {}) => own('turned', spec),
      { forward: { mode: 'None' }, existing: undefined },
      { forward: undefined, existing: { name: 'lan' } },
      'spec: … a network of our own does not become an existing one, or the other way round; make a new network',
    ],
    [(spec) => network('spread', spec), {}, { hypervisorSelector: { matchLabels: { a: 'b' } } }, undefined],
    [(spec) => host('uri', spec), {}, { uri: 'qemu:///session' }, undefined],
  ];
  const { stderr } = await cluster.kubectl('create', '-f', '-', { input: documents(changes.map(([make, before]) => make(before))) });
  t.equal(stderr, '');
  const said = await complaints(
    'replace',
    changes.map(([make, , after]) => make(after)),
  );
  const refused = changes.filter(([, , , message]) => message !== undefined);
  t.equal(said.length, refused.length, said.join(''));
  for (const [i, [make, , , message = '']] of refused.entries()) t.match(said[i], pattern(message), make().metadata.name);
});

const setStatus = (resource: string, status: object) =>
  kubectl('patch', resource, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status }));

t.test('an object that server-side apply empties is as if it were not there', async (t) => {
  const apply = (item: Manifest) => cluster.kubectl('apply', '--server-side', '-f', '-', { input: documents([item]) });
  const full = (cdrom: object) =>
    machine('emptied', {
      placement: { hypervisorRef: { name: 'one' } },
      devices: { serial: {} },
      cloudInit: { hostname: 'a' },
      disks: [
        { ...disk('root'), limits: { readIops: 5 } },
        { name: 'disc', cdrom },
      ],
    });
  const bare = (cdrom: object) =>
    machine('emptied', {
      placement: {},
      devices: {},
      cloudInit: {},
      disks: [
        { ...disk('root'), limits: {} },
        { name: 'disc', cdrom },
      ],
    });
  t.match(await apply(full({ volumeRef: { name: 'iso' } })), { code: 0 });
  const refused = await apply(bare({}));
  // The server of one host makes no null of it.
  if (refused.code !== 0) t.match(refused.stderr, /a drive that becomes empty is `\{ tray: Empty \}`/);
  for (const _ of ['once', 'twice']) t.match(await apply(bare({ tray: 'Empty' })), { code: 0 });
  const spec = decode('VirtualMachine', JSON.parse(await kubectl('get', 'vm', 'emptied', '-o', 'json'))).spec;
  const { policy: _, ...placement } = spec.placement ?? {};
  t.same(placement, {});
  for (const field of ['devices', 'cloudInit'] as const) t.same(spec[field] ?? {}, {}, field);
  t.same(
    spec.disks?.map(({ limits = {}, cdrom = {} }) => [limits, cdrom]),
    [
      [{}, {}],
      [{}, { tray: 'Empty' }],
    ],
  );
  const network = (dns: object, dhcp: object): Manifest => ({
    kind: 'VirtualNetwork',
    metadata: { name: 'emptied' },
    spec: { forward: { mode: 'NAT' }, dns, ipv4: { address: '10.1.0.1/24', dhcp } },
  });
  t.match(await apply(network({ domain: 'a.example' }, { ranges: [{ start: '10.1.0.2', end: '10.1.0.9' }] })), { code: 0 });
  t.match(await apply(network({}, {})), { code: 0 });
  const emptied = decode('VirtualNetwork', JSON.parse(await kubectl('get', 'virtualnetwork', 'emptied', '-o', 'json'))).spec;
  t.same([emptied.dns ?? {}, emptied.ipv4?.dhcp ?? {}], [{}, {}]);
});

t.test('status is written apart from spec, and its lists are maps', async (t) => {
  await setStatus('vm/hello', {
    hypervisor: 'kvm1',
    uuid: '00000000-0000-4000-8000-000000000001',
    printableStatus: 'Running',
    power: { state: 'Running', reason: 'Booted' },
  });
  const condition = { type: 'Ready', status: 'True', reason: 'AsDesired', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' };
  await setStatus('vm/hello', { conditions: [condition] });
  t.match(JSON.parse(await kubectl('get', 'vm/hello', '-o', 'json')).status, { hypervisor: 'kvm1', conditions: [condition] });
  await t.rejects(setStatus('vm/hello', { conditions: [condition, condition] }), { message: 'status.conditions[1]: Duplicate value' });
  await t.rejects(setStatus('vm/hello', { power: { state: 'Sleeping' } }), {
    message: 'status.power.state: Unsupported value: "Sleeping"',
  });
});

t.test('a machine that has a uuid takes no other one later', async (t) => {
  const patch = (uuid: string) =>
    kubectl('patch', 'vm/hello', '--type=merge', '--dry-run=server', '-p', JSON.stringify({ spec: { uuid } }));
  await t.rejects(patch('00000000-0000-4000-8000-000000000002'), {
    message: 'the machine already has the uuid in status.uuid, for good; leave spec.uuid out',
  });
  t.match(await patch('00000000-0000-4000-8000-000000000001'), 'patched');
});

t.test('a volume that has a format takes no other one later', async (t) => {
  await setStatus('vol/keep', { format: 'Qcow2' });
  const patch = (format: string) =>
    kubectl('patch', 'vol/keep', '--type=merge', '--dry-run=server', '-p', JSON.stringify({ spec: { format } }));
  await t.rejects(patch('Raw'), { message: 'the volume already has the format in status.format, for good; leave spec.format out' });
  t.match(await patch('Qcow2'), 'patched');
});

t.test('a directory keeps its size', async (t) => {
  const patch = (size: string) =>
    kubectl('patch', 'vol/keep', '--type=merge', '--dry-run=server', '-p', JSON.stringify({ spec: { size } }));
  await setStatus('vol/keep', { format: 'Qcow2' });
  t.match(await patch('900Gi'), 'patched');
  await setStatus('vol/keep', { format: 'Directory' });
  await t.rejects(patch('900Gi'), { message: 'the size of a directory is how much may be unpacked into it when it is made, and stays' });
});

t.test('every rule was broken by one of these tests', async (t) => {
  const messages = [...JSON.stringify(crds).matchAll(/"message":"([^"]*)"/g)].map(([, message = '']) => message);
  t.ok(messages.length > 15);
  for (const message of messages) t.ok(heard.includes(message.slice(0, 60)), message);
});

t.test('agents can select what is theirs', async (t) => {
  await setStatus('vol/hello-root', { hypervisor: 'kvm1' });
  await setStatus('vmaction/db-restart-1', { hypervisor: 'kvm1' });
  const select = (resource: string, selector: string) => kubectl('get', resource, `--field-selector=${selector}`, '-o', 'name');
  t.equal(await select('vm', 'status.hypervisor=kvm1'), 'virtualmachine.virtwright.io/hello\n');
  t.equal(await select('vol', 'status.hypervisor=kvm1'), 'storagevolume.virtwright.io/hello-root\n');
  t.equal(await select('vmaction', 'status.hypervisor=kvm1'), 'virtualmachineaction.virtwright.io/db-restart-1\n');
  t.equal(await select('poolinstance', 'spec.hypervisor=kvm1'), 'storagepoolinstance.virtwright.io/elsewhere\n');
  t.equal(await select('poolinstance', 'spec.hypervisor=kvm2'), '');
  t.equal(await select('vnetinstance', 'spec.hypervisor=kvm1'), 'virtualnetworkinstance.virtwright.io/moved\n');
  t.match(await select('vm', 'status.hypervisor='), 'virtualmachine.virtwright.io/db', 'those not bound yet');
});

t.test('kubectl get shows what matters', async (t) => {
  const table = async (...args: readonly string[]) =>
    (await kubectl('get', ...args)).split('\n').map((line) => line.replace(/ {2,}/g, '|').replace(/\|$/, ''));
  const [header = '', row = ''] = await table('vm', 'hello');
  t.equal(header, 'NAME|STATUS|READY|HOST|AGE');
  t.match(row, /^hello\|Running\|True\|kvm1\|\d+[smh]/);
  const headers = async (resource: string) => (await table(resource, '-o', 'wide'))[0];
  t.equal(await headers('vm'), 'NAME|STATUS|READY|HOST|AGE|IP|CPUS|MEMORY|UUID|NATIVE NAME');
  t.equal(await headers('hv'), 'NAME|READY|HYPERVISOR|CPUS|MEMORY|MAINTENANCE|REMAINING|AGE|STAYING|URI|ARCHITECTURE|PROVEN ON');
  t.equal(await headers('pool'), 'NAME|READY|HOSTS|HOSTS READY|AGE|PATH|NFS SERVER|SMB SERVER|VOLUME GROUP|EXISTING');
  t.equal(await headers('poolinstance'), 'NAME|POOL|HOST|READY|CAPACITY|AVAILABLE|AGE|PATH|UUID');
  t.equal(await headers('vnet'), 'NAME|READY|HOSTS|HOSTS READY|AGE|MODE|IPV4|EXISTING');
  t.equal(await headers('vnetinstance'), 'NAME|NETWORK|HOST|READY|AGE|NATIVE NAME|BRIDGE');
  t.equal(await headers('vol'), 'NAME|STATUS|SIZE|MACHINE|HOST|AGE|READY|FORMAT|POOL|LOCATION');
  t.equal(await headers('vmaction'), 'NAME|MACHINE|VERB|OUTCOME|AGE|HOST|FINISHED|MESSAGE');
});

t.test('kubectl explain speaks', async (t) => {
  const explained = (await kubectl('explain', 'virtualmachine.spec.runStrategy')).replaceAll(/\s+/g, ' ');
  for (const words of ['Always RerunOnFailure Once', '`Once`: started once, never again', 'When absent, `Always`'])
    t.match(explained, words);
  t.match(await kubectl('explain', 'vm.spec.stop.mode'), 'waits for ever');
});
