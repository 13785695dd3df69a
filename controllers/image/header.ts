import type { ImageFormat } from './format.js';
import { inspectQcow2 } from './qcow2.js';
import type { HeaderLimits, HeaderVerdict } from './refusal.js';
import { inspectTar } from './tar.js';
import { inspectVhdxHead } from './vhdx.js';
import { inspectVmdk } from './vmdk.js';

export type { HeaderLimits, HeaderRefusal, HeaderVerdict, Refused } from './refusal.js';

/** How many of an image's first bytes an inspection wants; fewer only when the whole image is shorter. */
export const headBytes = 64 * 1024;

/**
 * Judges an image by its first bytes as what it was declared to be; what it looks like is never asked. A VHDX says more further behind: see `judgedVhdx`. Raw has no header, so
 * whatever a Raw image holds is the guest's affair.
 */
export function inspectHeader(declared: ImageFormat, head: Uint8Array, limits: HeaderLimits): HeaderVerdict {
  switch (declared) {
    case 'Raw':
      return { kind: 'accepted' };
    case 'Qcow2':
      return inspectQcow2(head, limits);
    case 'Vmdk':
      return inspectVmdk(head, limits);
    case 'Vhdx':
      return inspectVhdxHead(head);
    case 'Tar':
      return inspectTar(head);
  }
}
