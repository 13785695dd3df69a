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
      const code = (reason: unknown) => (reason instanceof Error && 'code' in reason ? String(reason.code) : 'Internal');
      await work(counted, signal).then(
        () => fills.inc({ source, code: 'OK' }),
        (reason) => {
          fills.inc({ source, code: code(reason) });
          throw reason;
        },
      );
    },
  };
}
