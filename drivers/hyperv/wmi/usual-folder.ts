import { machineServiceSettings } from './classes.js';
import type { Wmi } from './wmi.js';

/** Where Hyper-V puts disks when nobody says where, in lower case; undefined where that is on no drive of the host's. */
export async function usualFolder(wmi: Wmi, signal: AbortSignal): Promise<string | undefined> {
  const [settings] = await wmi.find(machineServiceSettings, {}, signal);
  const path = settings?.common.DefaultVirtualHardDiskPath?.toLowerCase().replace(/\\+$/, '');
  return path !== undefined && /^[a-z]:\\[^/]+$/.test(path) ? path : undefined;
}
