/** Test files that take most of a minute and more, the longest first, as they were once measured. Only the order depends on it. */
const names = [
  'test/faults/xen',
  'test/faults/vsphere-kills',
  'test/contract/hyperv',
  'test/faults/hyperv-refused-calls',
  'test/cluster/out-of-service-kills',
  'test/faults/live-kills',
  'test/contract/stores',
  'test/demo/demo',
  'test/faults/hyperv-kills',
  'test/faults/hyperv-network-kills',
  'test/cluster/install-walk',
  'test/faults/lxc',
  'test/faults/turns',
  'test/cluster/command-line-acts',
  'test/standalone/command-line-acts',
  'test/cluster/command-line',
  'test/contract/xen', // behind the others: two emulated hosts with Xen at once leave the processors to nobody else
  'test/faults/classes',
  'test/faults/stores',
  'test/contract/libvirt',
  'test/faults/images',
  'test/faults/kills',
  'test/faults/vsphere-behind',
  'test/cluster/evacuation-kills',
  'test/standalone/command-line',
  'test/faults/host-lost',
  'test/faults/hyperv',
  'test/faults/hyperv-discs',
  'test/faults/hyperv-uploads',
  'test/contract/lxc',
  'drivers/hyperv/driver',
  'drivers/hyperv/discs-ends',
  'test/cluster/any-order',
  'test/faults/guest',
  'test/contract/libvirt-remote',
  'test/standalone/storm',
  'test/contract/vsphere',
  'test/faults/plan',
  'test/faults/hyperv-bad-input',
  'test/faults/nfs-gone',
  'test/faults/firmware',
  'test/standalone/any-order',
  'test/faults/hyperv-ends',
  'test/faults/complaints',
  'test/faults/volumes',
  'test/faults/adoption',
  'controllers/one-shot/one-shot',
  'test/faults/networks',
  'test/cluster/rights',
];

export const longest: readonly string[] = names.map((name) => `dist/${name}.test.js`);

/** Those that take long, then the others by name. */
export function longestFirst(files: readonly string[]): readonly string[] {
  const rest = files.filter((file) => !longest.includes(file)).sort();
  return [...longest.filter((file) => files.includes(file)), ...rest];
}
