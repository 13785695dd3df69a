/** What people can do on a host about a file that no manifest names as it is. */
export interface Advice {
  /** About one that is in no pool. */
  readonly toPool: string;
  /** About one that keeps only differences. */
  readonly standAlone: string;
}

const libvirt: Advice = { toPool: 'make a pool of its folder: virsh pool-define-as', standAlone: 'make it stand alone: virsh blockpull' };

const vsphere: Advice = {
  toPool: 'see that its datastore is accessible from this host',
  standAlone: 'make it stand alone: vmkfstools -i',
};

const hyperv: Advice = {
  toPool:
    "move it to a folder directly below a drive's root, which is neither hidden nor one of Windows' own, or to the one that Hyper-V puts disks in, by Hyper-V Manager; take out a disc that no longer matters",
  standAlone: 'merge it or convert it to one that stands alone, by Hyper-V Manager (Edit Disk), while the machine is off',
};

/** With the tools of the host that a URI leads to. */
export function adviceFor(uri: string): Advice {
  if (/^hyperv:/i.test(uri)) return hyperv;
  return /^(esx|vpx):/i.test(uri) ? vsphere : libvirt;
}
