import { machineServiceSettings } from './classes.js';
import type { Wmi } from './wmi.js';

/** Where Hyper-V puts disks when nobody says where, in lower case, without a backslash at its end: on whatever drive or server that is. */
export async function usualPath(wmi: Wmi, signal: AbortSignal): Promise<string | undefined> {
  const [settings] = await wmi.find(machineServiceSettings, {}, signal);
  return settings?.common.DefaultVirtualHardDiskPath?.toLowerCase().replace(/\\+$/, '');
}

/** The same; undefined where that is no folder of a drive of the host's. */
export async function usualFolder(wmi: Wmi, signal: AbortSignal): Promise<string | undefined> {
  const path = await usualPath(wmi, signal);
  return path !== undefined && /^[a-z]:\\[^/]+$/.test(path) ? path : undefined;
}
