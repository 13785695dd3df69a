import type { Target } from './target.js';
import { hypervTargets } from './targets/hyperv.js';
import { imageTargets } from './targets/images.js';
import { libvirtRpcTargets } from './targets/libvirt-rpc.js';
import { libvirtXmlTargets } from './targets/libvirt-xml.js';
import { smbTargets } from './targets/smb.js';
import { vsphereTargets } from './targets/vsphere.js';

/** Everything that reads what a host, or an image, says. */
export const targets: readonly Target[] = [
  ...libvirtRpcTargets,
  ...libvirtXmlTargets,
  ...vsphereTargets,
  ...hypervTargets,
  ...smbTargets,
  ...imageTargets,
];
