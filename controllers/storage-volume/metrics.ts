import { Counter, type Registry } from 'prom-client';
import type { Work } from '../host/jobs.js';

/** Told of what fills volumes. */
export interface FillMetrics {
  /** The same work, counted under what it fills from. */
  metered(source: 'Nothing' | 'Image' | 'Clone' | 'Upload', work: Work): Work;
}

export const unmetered: FillMetrics = { metered: (_source, work) => work };

export function createFillMetrics(registry: Registry): FillMetrics {
  const registers = [registry];
  const fills = new Counter({
    name: 'virtwright_volume_fills_total',
    help: 'Attempts to fill a volume that ended, by what from and code of the error (OK when there was none).',
    labelNames: ['source', 'code'],
    registers,
  });
  const bytes = new Counter({
    name: 'virtwright_volume_filled_bytes_total',
    help: 'Bytes of images and uploads that were stored; those that an earlier attempt left count again when it is gone on with.',
    labelNames: ['source'],
    registers,
  });
  return {
    metered: (source, work) => async (progress, signal) => {
      let stored = 0;
      const counted = (sofar: number) => {
        bytes.inc({ source }, sofar - stored);
        stored = sofar;
        progress(sofar);
      };
      await work(counted, signal).then(
        () => fills.inc({ source, code: 'OK' }),
        (reason) => {
          fills.inc({ source, code: codeOf(reason) });
          throw reason;
        },
      );
    },
  };
}

/** What is wrong with an image is behind what its upload was rejected with. */
function codeOf(reason: unknown): string {
  const known = [reason instanceof Error ? reason.cause : undefined, reason].find((one) => one instanceof Error && 'code' in one);
  return known instanceof Error && 'code' in known ? String(known.code) : 'Internal';
}
